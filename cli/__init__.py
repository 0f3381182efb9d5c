"""The command `molt`: thin, and imports the programs lazily so that searching loads no torch."""
