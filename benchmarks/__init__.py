"""What the promises cost: each module measures one of them, and says so in one line of JSON."""
