"""The network: when a request may be sent, how it is sent, and who waits for what."""
