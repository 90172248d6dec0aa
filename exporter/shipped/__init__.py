"""The files that come with the exporter beside its code: alert rules, runbooks, Alertmanager configuration, dashboards.

assets.py     where they are: in the installed package, or in a checkout
alerts.py     the register of alerts, alerts/catalogue.yaml
over.py       when an alert is over after a repair, alerts/over.yaml
manifests.py  the rules as resources of Kubernetes
forms.py      other forms of them: for environments and clusters, for expected pipelines, for a job of another name
"""
