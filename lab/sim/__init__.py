"""What runs inside one simulated node: MicroK8s, snapd and the few system tools that a node of the lab cannot have for real."""
