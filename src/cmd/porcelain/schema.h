/* The JSON schema of all machine output. */
#pragma once

extern const char schema_json_start[], schema_json_end[];
