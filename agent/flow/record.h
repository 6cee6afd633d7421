/* SPDX-License-Identifier: GPL-2.0 */
/* Records in words: for "gwsync flows" and "verify".  The daemon never looks into
 * one, but at the length and kind by which it counts them.
 */
#ifndef GWSYNC_AGENT_RECORD_H
#define GWSYNC_AGENT_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/**
 * record_json() - decode one record
 * @data: bytes of it, of whatever origin
 * @len: how many there are; the record may be shorter
 *
 * Return: a new object, or NULL if it is malformed or of another version.
 */
json_t *record_json(const void *data, size_t len);

#endif
