"""The faults, by name and in the order in which they are run. Each is a function of the stage, which it leaves as it was."""
from . import api_server, controllers, malformed, proxies, rotation, waves

FAULTS = {
    "proxy-deleted": proxies.deleted,
    "proxy-killed": proxies.killed,
    "proxy-crashed": proxies.crashed,
    "proxies-rolled": proxies.rolled,
    "port-changed": proxies.port_changed,
    "ca-rotated": rotation.ca,
    "certificate-rotated": rotation.listener_certificate,
    "deployment-drifted": controllers.drifted,
    "controller-restarted": controllers.restarted,
    "leader-killed": controllers.leader_killed,
    "leader-frozen": controllers.leader_frozen,
    "controller-absent": controllers.absent,
    "wave": waves.wave,
    "malformed": malformed.forced_in,
    "api-server-stopped": api_server.stopped,
    "etcd-restarted": api_server.etcd_restarted,
}

LAB_ONLY = {
    "proxy-crashed": "it kills a process of the node",
    "leader-frozen": "it stops a process of the node",
    "api-server-stopped": "it stops a component of the cluster",
    "etcd-restarted": "it stops a component of the cluster",
}
