"""Late interaction: a query and documents compared token by token (Khattab & Zaharia 2020)."""
