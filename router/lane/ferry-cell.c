/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A cell: the newest value of a pipe.
 *
 * docs/protocol.md has the order of the stores, under "Cells".
 *
 * Threads:   one writer at a time (the threads of a process use the uplink's lock), and one reader: the router's
 *            thread.
 * Trust:     the writer reads only reader_waiting, a number. The reader copies a value, then checks and uses only the
 *            copy. `begun` shows whether the value was overwritten during the copy; then the reader copies the value
 *            again.
 * Invariant: neither side ever waits for the other side. All accesses to a slot are atomic words, so a copy that is
 *            overwritten and not used is no data race. */

#include "config.h"

#include "lane/ferry-cell-private.h"

#include <string.h>

#include "wire/ferry-depth-private.h"
#include "wire/ferry-layout-private.h"

/* The maximum number of copies that are tried for one value. A writer that never pauses overwrites a copy now and then;
 * a hostile writer overwrites all of them. */
#define MAX_TRIES 16

static gsize
count_words (gsize size)
{
  return (size + 7) / 8;
}

/* application: arms the reader of a cell before the writer exists, so that the first value wakes the reader. */
void
ferry_cell_init (FerryCell *cell)
{
  atomic_store_explicit (&cell->reader_waiting, FERRY_CELL_FIRST_EPOCH, memory_order_relaxed);
}

void
ferry_cell_writer_init (FerryCellWriter *self, FerryCell *cell)
{
  *self = (FerryCellWriter){.cell = cell};
}

/* Stores bytes as atomic words. Release: a thread that acquires one of these words also sees the store of `begun`
 * before it. */
static void
store_words (_Atomic guint64 *place, gconstpointer data, gsize size)
{
  const guint8 *bytes = data;
  guint64 word;

  for (; size >= 8; size -= 8, bytes += 8)
    {
      memcpy (&word, bytes, 8);
      atomic_store_explicit (place++, word, memory_order_release);
    }
  if (size == 0)
    return;
  word = 0;
  memcpy (&word, bytes, size);
  atomic_store_explicit (place, word, memory_order_release);
}

/* Writes a value. type: (nullable): NULL for plain bytes. ferry_cell_value_size() must be at most FERRY_CELL_SLOT_SIZE.
 * Returns whether the caller must wake the reader. */
gboolean
ferry_cell_writer_write (FerryCellWriter *self, const char *type, gconstpointer data, gsize size)
{
  guint64 sequence = ++self->sequence;
  _Atomic guint64 *slot = self->cell->slots[sequence & 1];
  FerryCellHeader header = {.size = (guint32) size, .kind = FERRY_RECORD_BYTES};

  if (type != NULL)
    {
      header.kind = FERRY_RECORD_VARIANT;
      header.type_length = (guint16) strlen (type);
    }
  /* Relaxed: the words of the slot are stored after `begun`, with release. */
  atomic_store_explicit (&self->cell->begun, sequence, memory_order_relaxed);
  store_words (slot, &header, sizeof header);
  store_words (slot + 1, type, header.type_length);
  store_words (slot + 1 + count_words (header.type_length), data, size);
  ferry_wake_publish (&self->cell->sequence, sequence);
  return ferry_wake_due (&self->cell->reader_waiting, &self->rung);
}

void
ferry_cell_reader_init (FerryCellReader *self, FerryCell *cell)
{
  *self = (FerryCellReader){.cell = cell, .epoch = FERRY_CELL_FIRST_EPOCH};
}

/* Loads n atomic words. Acquire: pairs with the release store of each word. So copy_value() sees the `begun` of the
 * write that stored the word. */
static void
load_words (guint64 *copy, _Atomic guint64 *place, gsize n)
{
  for (gsize i = 0; i < n; i++)
    copy[i] = atomic_load_explicit (place + i, memory_order_acquire);
}

/* Whether the lengths in a header are within the limits. */
static gboolean
fits (const FerryCellHeader *header)
{
  return header->type_length <= FERRY_MAX_TYPE_STRING && header->size <= FERRY_CELL_SLOT_SIZE &&
         ferry_cell_value_size (header->type_length, header->size) <= FERRY_CELL_SLOT_SIZE;
}

/* Copies a value, or only the header of one that is too large. Returns whether the whole copy is from one write. */
static gboolean
copy_value (FerryCell *cell, guint64 sequence, guint64 *words)
{
  _Atomic guint64 *slot = cell->slots[sequence & 1];
  FerryCellHeader header;

  load_words (words, slot, 1);
  memcpy (&header, words, sizeof header);
  if (fits (&header))
    load_words (words + 1, slot + 1, count_words (header.type_length) + count_words (header.size));
  /* Relaxed: the acquiring loads above come before this load. The next write to this slot has number sequence + 2.
   * While that write has not begun, no word of the copy was overwritten. */
  return atomic_load_explicit (&cell->begun, memory_order_relaxed) <= sequence + 1;
}

static const char *
find_value_fault (FerryValueVerdict verdict)
{
  switch (verdict)
    {
    case FERRY_VALUE_NOT_NORMAL:
      return "it wrote a value into a cell that is not in normal form; it must send what g_variant_get_normal_form() "
             "makes of it";
    case FERRY_VALUE_TOO_DEEP:
      return "it wrote a value of more than " G_STRINGIFY (
        FERRY_MAX_DEPTH) " levels into a cell, with those inside its variants; it must send a flatter value";
    case FERRY_VALUE_UNJUDGED:
    case FERRY_VALUE_GOOD:
    default:
      return NULL;
    }
}

/* Checks the type and the bytes of a typed value. Returns what is wrong with it, or NULL. */
static const char *
check_variant (FerryCellValue *value, const FerryCellHeader *header)
{
  memcpy (value->type, value->words + 1, header->type_length);
  value->type[header->type_length] = '\0';
  switch (ferry_depth_judge_type (value->type, header->type_length))
    {
    case FERRY_TYPE_GOOD:
      if (!ferry_layout_is_checked (value->type, header->type_length))
        return NULL;
      return find_value_fault (ferry_layout_judge (value->type, header->type_length, value->data, value->size));
    case FERRY_TYPE_TOO_DEEP:
      return find_value_fault (FERRY_VALUE_TOO_DEEP);
    case FERRY_TYPE_NOT_DEFINITE:
    default:
      return "it wrote a value into a cell with an invalid type string; it must be one definite type";
    }
}

/* Checks the copy of a value, and sets the other fields of *value. Returns what is wrong with the value, or NULL. */
static const char *
check_value (FerryCellValue *value)
{
  FerryCellHeader header;

  memcpy (&header, value->words, sizeof header);
  if (!fits (&header))
    return "it wrote a value that is larger than its cell; header, type string and payload may have 4096 bytes "
           "together";
  value->has_type = header.kind == FERRY_RECORD_VARIANT;
  value->data = value->words + 1 + count_words (header.type_length);
  value->size = header.size;
  if (header.kind == FERRY_RECORD_BYTES)
    return header.type_length == 0 ? NULL : "it wrote plain bytes with a type string into a cell; they must have none";
  if (header.kind != FERRY_RECORD_VARIANT)
    return "it wrote a value of an unknown kind into a cell; it must have kind 1 or 2";
  return check_variant (value, &header);
}

/* Takes the newest value. Where this returns FERRY_CELL_INVALID, *fault says what the writer did wrong. */
FerryCellResult
ferry_cell_reader_take (FerryCellReader *self, FerryCellValue *value, const char **fault)
{
  for (guint i = 0; i < MAX_TRIES; i++)
    {
      guint64 sequence = ferry_wake_look (&self->cell->sequence);

      if (sequence == self->latest)
        return FERRY_CELL_NONE;
      *fault = "it set the count of a cell's values back; the count must only grow";
      if (sequence < self->latest)
        return FERRY_CELL_INVALID;
      if (!copy_value (self->cell, sequence, value->words))
        continue;
      *fault = check_value (value);
      if (*fault != NULL)
        return FERRY_CELL_INVALID;
      self->latest = sequence;
      return FERRY_CELL_NEW;
    }
  return FERRY_CELL_BUSY;
}

gboolean
ferry_cell_reader_has_new (FerryCellReader *self)
{
  return ferry_wake_look (&self->cell->sequence) != self->latest;
}

/* Arms the reader, so that the writer wakes it for the next value; then checks once more. Returns whether the cell
 * already has a new value. */
gboolean
ferry_cell_reader_arm (FerryCellReader *self)
{
  ferry_wake_arm (&self->cell->reader_waiting, &self->epoch);
  return ferry_cell_reader_has_new (self);
}
