"""The triggers: each decodes its input, calls one stage and encodes the answer."""
