"""What a connection may cost, and what is refused on it before an application sees a request."""
