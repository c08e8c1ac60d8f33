/* Text for terminals and report formats. Bytes of messages get into failures: nothing of them may move a cursor or break a format. */
#ifndef OFFHOOK_CLI_PRINT_H
#define OFFHOOK_CLI_PRINT_H

#include "core/buf.h"

#include <stdio.h>

/* Appends `s` with every character that is no printable text or newline as a "\xNN" or a replacement. */
void print_clean(struct buf *b, struct slice s);
/* Each line of `s` behind `indent` spaces and `mark`. */
void print_indented(FILE *f, struct slice s, int indent, const char *mark);
/* A JSON string with its quotes. */
void print_json_string(FILE *f, struct slice s);
/* Text or attribute value of XML. */
void print_xml(struct buf *b, struct slice s);
/* In single quotes if a shell would take it apart otherwise. */
void print_shell_word(FILE *f, const char *word);
/* The next piece of `rest` that fits into `width` cells, broken between words; false at the end. */
bool print_wrap(struct slice *line, struct slice *rest, size_t width);
/* Cells of `s` on a terminal. */
size_t print_width(struct slice s);

#endif
