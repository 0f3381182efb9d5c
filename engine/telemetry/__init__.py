"""What the programs tell of themselves: logs and traces, and what neither may quote."""
