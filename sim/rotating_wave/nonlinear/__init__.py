"""The rotating-wave cascade with a Kerr nonlinearity, without the record. Section 5 of sim/README.md."""
