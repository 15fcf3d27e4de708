"""What several tests share: toy adapters, records, a cluster, a browser, and the command itself."""
