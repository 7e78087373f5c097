"""What programs ask of the desk: `/api/v1`, as JSON, by tokens.

operations_table  every operation: what it is called, takes and answers, as one literal table
body_fields       what a body has in it: as JSON Schema, and checked
shapes            what is answered, as JSON Schema
openapi           both as one OpenAPI document
calls             a call: by whom, of what, with which body
reading_calls     what only reads
changing_calls    what changes something, by the functions that the forms call
rights_calls     corrections, rows put back, who has agreed anew
elsewhere_calls  parts of requests in other workspaces
settings_calls   settings, and what goes by mail
operations_done   which function does which operation
asked_again       the same call once more is not done once more
api_guard         whose token, may they, is what they sent as the table says?
"""
