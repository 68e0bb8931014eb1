/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A cell: the newest value of a pipe. One writer at a time, and one reader: the router's thread. */

#pragma once

#include "lane/ferry-wake-private.h"
#include "wire/ferry-lane-layout.h"

G_BEGIN_DECLS

#define FERRY_CELL_WORDS (FERRY_CELL_SLOT_SIZE / 8)

/* The first value of reader_waiting. The application stores this value before the writer exists, so that the first
 * value of the cell wakes the reader. */
#define FERRY_CELL_FIRST_EPOCH 1

typedef struct
{
  FerryCell *cell;
  guint64 sequence; /* the sequence number of the latest write */
  guint32 rung;     /* the value of reader_waiting at the latest ring: for each value the writer rings once */
} FerryCellWriter;

typedef struct
{
  FerryCell *cell;
  guint64 latest; /* the sequence number of the value that was taken last; values are numbered from 1 on */
  guint32 epoch;  /* the value that was stored in reader_waiting last */
} FerryCellReader;

/* A copy of a value, in private memory of the reader. */
typedef struct
{
  /* The copied header, type string and payload. On i386 a word alone is aligned to 4 bytes. */
  _Alignas(8) guint64 words[FERRY_CELL_WORDS];
  char type[FERRY_MAX_TYPE_STRING + 1];
  gboolean has_type;  /* FALSE for plain bytes */
  gconstpointer data; /* the payload, a place in words; aligned to 8 bytes */
  gsize size;
} FerryCellValue;

typedef enum
{
  FERRY_CELL_NEW,     /* a new value was taken */
  FERRY_CELL_NONE,    /* the cell has no value after the one that was taken last */
  FERRY_CELL_BUSY,    /* the writer overwrote the value during each copy; the caller must try again later */
  FERRY_CELL_INVALID, /* the writer broke a rule of the protocol */
} FerryCellResult;

/* Returns how many bytes a value takes in its slot. The writer must not exceed FERRY_CELL_SLOT_SIZE. */
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
