"""What every request and answer passes between a connection and a route."""
