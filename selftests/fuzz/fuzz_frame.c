// SPDX-License-Identifier: GPL-2.0
/* Frames: what decodes must encode to the same bytes, but for the items of a
 * heartbeat that a later version adds.
 *
 * Input: a clear head (FRAME_HEAD_BYTES, of either version), then a body.
 */
#include "wire/frame.h"
#include "fuzz.h"

static void body(uint8_t version, enum frame_type type, const uint8_t *data, size_t len)
{
	static uint8_t again[FRAME_BODY_MAX + 1024];
	uint8_t *copy = exact_copy(data, len);
	static struct frame frame;
	size_t bytes;

	frame.head.version = version;
	frame.head.type = type;
	if (frame_decode_body(copy, len, &frame) == FRAME_OK) {
		bytes = frame_encode_body(&frame, again, sizeof(again));
		expect(bytes && bytes <= FRAME_BODY_MAX);
		expect(bytes == len || (frame_has_items(&frame) && bytes < len));
		expect(!memcmp(again, copy, bytes));
		/* One byte less of room, and nothing is promised. */
		expect(!frame_encode_body(&frame, again, bytes - 1));
		if (type == FRAME_DATA) {
			const uint8_t *records = frame.data.records;

			expect(frame_valid_data(&frame.data));
			/* Bit 0 is no member, 0 no number. */
			expect(frame.data.set > 1 && !(frame.data.set & 1));
			expect(frame.data.seq && frame.data.seq <= FRAME_SEQ_MAX);
			expect(records >= copy && records + frame.data.len == copy + len);
		}
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = exact_copy(data, size), again[FRAME_HEAD_BYTES];
	struct frame_head head = { 0 };

	if (frame_decode_head(copy, size, &head) == FRAME_OK) {
		expect(size <= FRAME_MAX);
		frame_encode_head(&head, again);
		expect(!memcmp(again, copy, frame_head_bytes(&head)));
	}
	free(copy);
	if (size < FRAME_HEAD_BYTES)
		return 0;
	/* Whatever the head is worth: the bodies of unknown types, too. */
	body(data[2], data[3] & 0x7f, data + FRAME_HEAD_BYTES, size - FRAME_HEAD_BYTES);
	return 0;
}
