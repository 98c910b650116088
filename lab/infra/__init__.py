"""Infrastructure of the lab: rootfs cache, networks, node namespaces, faults seen from outside, the UPS. Knows no MicroK8s."""
