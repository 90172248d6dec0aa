"""The HTTP side: metrics, status page, API, and the web configuration file (docs/web.md).

app.py                    the routes; state.py: what they ask of the exporter
metrics.py                `/metrics`, from bytes that are ready; negotiate.py: which format a client prefers
page.py, sections.py, season.py   the status page, and what it shows; templates/: how it looks
runbooks.py               the runbooks, with the values of an alert
openapi.py, status_schema.py   the description of the interface
answers.py, headers.py    every answer passes here: secrets are hidden, headers set; threads.py: slow work
auth.py, webconfig.py, tls.py   users, rate limit and TLS, in the format of Prometheus's own exporters
client.py, http_config.py   how commands ask a running exporter (`--from`)
server.py                 uvicorn, with bounds on what clients may cost: protocol.py, handshakes.py,
                          connections.py and handles.py; refusals.py counts and logs what is refused
"""
