/* view/schema.json, byte for byte, between two symbols: the installed file is the printed
 * one. */
#include "cmd/porcelain/schema.h"

__asm__(".section .rodata\n"
	".global schema_json_start\n"
	".global schema_json_end\n"
	"schema_json_start:\n"
	".incbin \"" SCHEMA_FILE "\"\n"
	"schema_json_end:\n"
	".byte 0\n"
	".previous\n");
