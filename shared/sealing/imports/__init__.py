"""What was predicted elsewhere: ``history``, ``moments`` and ``minting`` read it, ``importing`` adds it to sealed hours."""
