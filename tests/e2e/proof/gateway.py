"""A Gateway in the cluster: its address, its proxies, and what was provisioned for it."""
from . import laboratory
from .kubectl import OWN, condition, get, listing
from .report import Failure
from .waiting import eventually

PROVISIONED = "serviceaccounts,roles,rolebindings,services,deployments,leases,poddisruptionbudgets,horizontalpodautoscalers"


class Gateway:
    def __init__(self, name, namespace):
        self.name, self.namespace = name, namespace
        self.selector = f"app.kubernetes.io/name=postern,gateway.networking.k8s.io/gateway-name={name}"

    def __str__(self):
        return f"Gateway {self.namespace}/{self.name}"

    def programmed(self):
        """Its first address, once it is Programmed in its latest generation."""
        def probe():
            found = get("gateway", self.name, self.namespace)
            status = found.get("status", {})
            now = condition(status, "Programmed")
            if now.get("status") != "True" or now.get("observedGeneration") != found["metadata"]["generation"]:
                raise Failure(f"Programmed is {now or 'absent'}")
            if not status.get("addresses"):
                raise Failure("no address: is there a controller for Services of type LoadBalancer? (kind: cloud-provider-kind)")
            return status["addresses"][0]["value"]
        return eventually(f"{self} Programmed=True, with an address", probe, 120)

    def pods(self):
        """The proxies that are not on their way out."""
        return [pod for pod in self.all_pods() if "deletionTimestamp" not in pod["metadata"]]

    def all_pods(self):
        return listing("pods", self.namespace, self.selector)

    def ready_pods(self):
        return [pod for pod in self.pods() if condition(pod["status"], "Ready").get("status") == "True"]

    def deployment(self):
        found = get("deployment", self.name, self.namespace)
        if not found:
            raise Failure(f"no Deployment {self.name} in {self.namespace}")
        return found

    def rolled_out(self, replicas, seconds=180):
        """Waits until all of the proxies are of the last template, ready, and no old one is left."""
        def probe():
            deployment = self.deployment()
            status, generation = deployment.get("status", {}), deployment["metadata"]["generation"]
            state = [status.get(key, 0) for key in ("updatedReplicas", "readyReplicas", "replicas")]
            pods = len(self.all_pods())
            if status.get("observedGeneration") != generation or state != [replicas] * 3 or pods != replicas:
                raise Failure(f"updated, ready and all replicas are {state}, and there are {pods} pods")
            return self.pods()
        return eventually(f"{replicas} proxies of {self}, all new and ready", probe, seconds)

    def provisioned(self):
        """What the controller has made in the Gateway's namespace, by kind/name."""
        found = listing(PROVISIONED, self.namespace, f"{OWN},gateway.networking.k8s.io/gateway-name={self.name}")
        return sorted(f"{item['kind']}/{item['metadata']['name']}" for item in found)

    def processes(self):
        """In the lab: the process id of each proxy, by the pod's name."""
        return {pod["metadata"]["name"]: laboratory.process(pod, "postern") for pod in self.ready_pods()}
