"""Where the dashboards come from; `python -m grafana.build` writes them."""
