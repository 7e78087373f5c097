"""What a request says, where it comes from, and the rules it waits under.

details     ids, names and free text, sealed
inbox       request files that others drop into a folder
policy      the workspace's own rules of the queue
detection   what a scheduled search for poisoned rows is to do
recipients  where models were pushed that held deleted rows
"""
