"""The units on a real systemd: `make test-systemd`. No part of the ordinary tests: it takes root and a minute."""
