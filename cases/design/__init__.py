"""How the tiers are chosen: the domain in classes, and cases that cover it together."""
