"""What a file's bytes are before they are rows: compressed, in some encoding, with markup."""
