"""Which documents of a collection are meant, by what they hold and not by their ids."""
