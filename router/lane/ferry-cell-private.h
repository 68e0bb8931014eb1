/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A cell: the newest value of a pipe. docs/protocol.md has the order of the stores, under "Cells".
 *
 * Threads:   one writer at a time (threads of a process take turns under the uplink's lock), and one reader: the
 *            router's thread.
 * Trust:     the writer reads only the reader's epoch. The reader copies a value, then checks and uses only the copy.
 *            `begun` tells whether the value was overwritten during the copying; then it is copied again.
 * Invariant: neither side ever waits for the other. All accesses to a slot are atomic words, so a copy that is thrown
 *            away is no data race. */

#pragma once

#include "lane/ferry-lane-layout.h"
#include "lane/ferry-wake-private.h"

G_BEGIN_DECLS

#define FERRY_CELL_WORDS (FERRY_CELL_SLOT_SIZE / 8)

/* A cell is armed before its writer exists, so the first value wakes the reader. */
#define FERRY_CELL_FIRST_EPOCH 1

typedef struct
{
  FerryCell *cell;
  guint64 sequence; /* of the latest write */
  guint32 rung;     /* epoch of reader_waiting that was last rung for */
} FerryCellWriter;

typedef struct
{
  FerryCell *cell;
  guint64 latest; /* the sequence of the value that was taken last, which counts the values */
  guint32 epoch;  /* of reader_waiting */
} FerryCellReader;

/* A value, in the reader's own memory. */
typedef struct
{
  guint64 words[FERRY_CELL_WORDS]; /* what was copied */
  char type[FERRY_MAX_TYPE_STRING + 1];
  gboolean has_type;  /* FALSE for plain bytes */
  gconstpointer data; /* in words; aligned to 8 bytes */
  gsize size;
} FerryCellValue;

typedef enum
{
  FERRY_CELL_NEW,     /* a new value was taken */
  FERRY_CELL_NONE,    /* there is no newer value than the one taken last */
  FERRY_CELL_BUSY,    /* the writer overwrote each copy; look again later */
  FERRY_CELL_INVALID, /* the writer broke a rule of the protocol */
} FerryCellResult;

/* The bytes that a value takes in its slot; at most FERRY_CELL_SLOT_SIZE. */
static inline gsize
ferry_cell_value_size (gsize type_length, gsize size)
{
  return sizeof (FerryCellHeader) + ((type_length + 7) & ~(gsize) 7) + size;
}

void ferry_cell_init (FerryCell *cell);

void ferry_cell_writer_init (FerryCellWriter *self, FerryCell *cell);
gboolean ferry_cell_writer_write (FerryCellWriter *self, const char *type, gconstpointer data, gsize size);

void ferry_cell_reader_init (FerryCellReader *self, FerryCell *cell);
FerryCellResult ferry_cell_reader_take (FerryCellReader *self, FerryCellValue *value, const char **fault);
gboolean ferry_cell_reader_has_new (FerryCellReader *self);
gboolean ferry_cell_reader_arm (FerryCellReader *self);

G_END_DECLS
