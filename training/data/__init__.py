"""From what a team knows about relevance to what an encoder can learn from and be judged by."""
