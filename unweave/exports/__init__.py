"""What a workspace knows, written for other people and other systems: one document an export.

export             what each export must do, and what it is made from
known_exports      the table of exports
model_card         what a model is for, learnt from, and how it was judged (Mitchell et al. 2019)
processing_record  the record of processing activities (Article 30(1) GDPR)
prov               where models came from, as W3C PROV-JSON
openlineage        the runs as OpenLineage events
cyclonedx          the models as a bill of materials, CycloneDX 1.6
mlflow             what a registry of MLflow is to hold; mlflow_server brings a server to it
tables             as CSV and as Parquet: the one writer of tables
log_tables         events, models, deletions and edges, as CSV and as Parquet
history            what happened, as the log tells it: runs, and what they used, made and ended
markdown           texts of others in Markdown, as they are
json_text          JSON, as a document or in lines

Two exports of one state are the same bytes: no time but that of the events stands in them.
"""

from unweave.exports.known_exports import EXPORTS, send_to_mlflow, write_export

__all__ = ["EXPORTS", "send_to_mlflow", "write_export"]
