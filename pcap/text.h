/* Text from anywhere, made fit for a capture file or a terminal. */
#ifndef OFFHOOK_PCAP_TEXT_H
#define OFFHOOK_PCAP_TEXT_H

#include "core/buf.h"

#define TEXT_REPLACEMENT 0xFFFDu /* stands for bytes that are no UTF-8 */

/* Takes the next character off `s`, which must not be empty. */
uint32_t text_next(struct slice *s);
void text_put_rune(struct buf *b, uint32_t rune);
/* The bytes as valid UTF-8 without NUL, at most `max` bytes, cut between characters. */
void text_put_utf8(struct buf *b, struct slice s, size_t max);
/* Cells on a terminal, 0 to 2; -1 for what would move the cursor, change its direction or be invisible. */
int text_rune_width(uint32_t rune);

#endif
