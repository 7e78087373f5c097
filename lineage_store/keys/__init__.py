"""The workspace's secret and what is made of it.

secret      the one secret, and the keys that HKDF derives from it
pseudonyms  what stands for a subject outside its own row, under a key that can be destroyed
sealed      personal data that must be kept for a while, unreadable without the secret
signing     Ed25519 keys: made, kept and read back
"""
