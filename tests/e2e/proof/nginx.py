"""NGINX as a backend. What it answers says which of its servers answered, and the Host and target that it was asked for."""
from .kubectl import config_map
from .needs import nginx_image

FOLDER = "/etc/nginx-e2e"
CONFIGURATION = """daemon off;
pid /tmp/nginx.pid;
error_log stderr warn;
worker_processes 1;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path /tmp/client_body;
  proxy_temp_path /tmp/proxy;
  fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi;
  scgi_temp_path /tmp/scgi;
  keepalive_requests 1000000;
  default_type text/plain;
{servers}
}}
"""
TLS_SERVER = """  server {{
    listen {port} ssl;
    ssl_certificate {folder}/{secret}/tls.crt;
    ssl_certificate_key {folder}/{secret}/tls.key;
    location / {{ return 200 "{word} $http_host $request_uri\\n"; }}
    location = /slow {{ limit_rate 512; return 200 "{word} {long}\\n"; }}
  }}"""
LONG = "x" * 3584  # seven seconds, and no more than NGINX takes
PLAIN_SERVER = """  server {{
    listen {port};
    location / {{ return 200 "{word} $http_host $request_uri\\n"; }}
  }}"""


def tls_server(port, secret, word):
    """Serves the certificate of a Secret of this name."""
    return TLS_SERVER.format(port=port, folder=FOLDER, secret=secret, word=word, long=LONG)


def plain_server(port, word):
    return PLAIN_SERVER.format(port=port, word=word)


def objects(name, namespace, servers, secrets, ports, replicas=1):
    """A ConfigMap and a Deployment. `ports` are the container's, by name."""
    labels = {"app.kubernetes.io/name": name}
    configuration = CONFIGURATION.format(servers="\n".join(servers))
    container = {
        "name": "nginx", "image": nginx_image(), "imagePullPolicy": "IfNotPresent",
        "command": ["nginx", "-e", "stderr", "-c", f"{FOLDER}/configuration/nginx.conf"],
        "ports": [{"name": port, "containerPort": number} for port, number in ports.items()],
        "readinessProbe": {"tcpSocket": {"port": next(reversed(ports.values()))}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "100m"}},
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65534, "allowPrivilegeEscalation": False,
                            "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": volume, "mountPath": f"{FOLDER}/{volume}"} for volume in ("configuration", *secrets)],
    }
    volumes = [{"name": "configuration", "configMap": {"name": f"{name}-configuration"}}]
    volumes += [{"name": secret, "secret": {"secretName": secret}} for secret in secrets]
    deployment = {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [container], "volumes": volumes, "enableServiceLinks": False,
                     "automountServiceAccountToken": False, "terminationGracePeriodSeconds": 5}}},
    }
    return [config_map(f"{name}-configuration", namespace, {"nginx.conf": configuration}), deployment]


def service(name, namespace, selects, ports):
    """`ports` are (name, port, target port)."""
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace},
            "spec": {"selector": {"app.kubernetes.io/name": selects},
                     "ports": [{"name": port, "port": number, "targetPort": target} for port, number, target in ports]}}
