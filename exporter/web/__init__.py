"""The HTTP side: routes, content negotiation, the web configuration file (TLS, users), the server."""
