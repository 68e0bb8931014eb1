/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: engine/ferry-drain.c, lane/ferry-arena.c
 *
 * Workers that say what is not so of their buffers. Each row is tried with one that is trusted: its buffers are read
 * where they lie and kept here. It is tried with one that is not: its buffers are copied. */

#include "config.h"

#include "process/hostile-test.h"

#define CAPACITY (1024 * 1024)

#define FAULT FERRY_CLOSE_REASON_PROTOCOL_ERROR
#define EXITED FERRY_CLOSE_REASON_EXITED

typedef struct
{
  HostileRow row;
  guint n_buffers; /* that arrive from it */
} BufferRow;

typedef struct
{
  HostileTest hostile;
  GPtrArray *kept; /* (element-type GBytes) */
} Scene;

/* One with a worker that sends 100 messages and a buffer, then what is wrong. */
#define AFTER_ONE(name, orders, words)                                                                                 \
  {                                                                                                                    \
    name, "attach send:100 buffer:number=9 " orders " send:100 pause", 100, FAULT, words                               \
  }

static const HostileRow refused[] = {
  AFTER_ONE ("refuses-an-offset-within-the-first-page", "buffer:offset=4088", "a buffer beyond its memory"),
  AFTER_ONE ("refuses-an-offset-between-pages", "buffer:offset=4097", "a buffer beyond its memory"),
  AFTER_ONE ("refuses-an-offset-at-the-end", "buffer:offset=1048576", "a buffer beyond its memory"),
  AFTER_ONE ("refuses-an-offset-beyond-the-end", "buffer:offset=1052672", "a buffer beyond its memory"),
  AFTER_ONE ("refuses-the-largest-offset", "buffer:offset=0xfffffffffffff000", "a buffer beyond its memory"),
  AFTER_ONE ("refuses-an-end-that-overflows", "buffer:offset=0xfffffffffffff000,size=8192",
             "a buffer beyond its memory"),
  AFTER_ONE ("refuses-a-size-that-overflows", "buffer:size=0xfffffffffffff000", "a buffer beyond its memory"),
  AFTER_ONE ("refuses-the-largest-size", "buffer:size=0xffffffffffffffff", "a buffer beyond its memory"),
  AFTER_ONE ("refuses-a-size-of-0", "buffer:size=0", "a buffer beyond its memory"),
  AFTER_ONE ("refuses-a-size-beyond-the-end", "buffer:size=1048577", "a buffer beyond its memory"),
  AFTER_ONE ("refuses-a-number-out-of-range", "buffer:number=64", "a buffer with an invalid number"),
  AFTER_ONE ("refuses-the-largest-number", "buffer:number=0xffffffff", "a buffer with an invalid number"),
  AFTER_ONE ("refuses-a-record-that-is-short", "buffer:length=23", "record of a buffer is malformed"),
  AFTER_ONE ("refuses-a-record-without-payload", "buffer:length=0", "record of a buffer is malformed"),
  AFTER_ONE ("refuses-metadata-without-type", "buffer:length=32", "record of a buffer is malformed"),
  AFTER_ONE ("refuses-metadata-of-no-type", "buffer:type=1,length=32", "record of a buffer is malformed"),
  AFTER_ONE ("refuses-metadata-of-another-senders-type", "type:1:t second buffer:type=1,length=32",
             "record of a buffer is malformed"),
  AFTER_ONE ("refuses-a-record-over-the-limit", "type:1:ay length:32753",
             "a record of 32753 bytes, where a record has at most 32752"),
  AFTER_ONE ("refuses-a-message-longer-than-its-buffer", "whole:message=40001", "not as long as the buffer"),
  AFTER_ONE ("refuses-a-message-shorter-than-its-buffer", "whole:message=39999", "not as long as the buffer"),
  AFTER_ONE ("refuses-a-message-that-is-not-large", "whole:size=32752", "announced a large message of 32752 bytes"),
  AFTER_ONE ("refuses-a-message-over-the-limit", "whole:size=0xffffffffffffffff",
             "announced a large message of 1844674"),
  AFTER_ONE ("refuses-a-message-of-no-kind", "whole:kind=3", "a large message of kind 3"),
  AFTER_ONE ("refuses-a-message-of-no-type", "whole:kind=2,type=1", "type number 1"),
  AFTER_ONE ("refuses-bytes-with-a-type", "type:1:t whole:type=1", "type number 1"),
  AFTER_ONE ("refuses-a-message-beyond-the-end", "whole:offset=1048576", "a buffer beyond its memory"),
  AFTER_ONE ("refuses-a-message-in-no-number", "whole:number=64", "a buffer with an invalid number"),
  AFTER_ONE ("refuses-a-message-with-half-a-buffer", "whole:length=32",
             "a large record of 32 bytes; such a record must have 16, or 40"),
  AFTER_ONE ("refuses-a-message-with-more-than-a-buffer", "whole:length=48",
             "a large record of 48 bytes; such a record must have 16, or 40"),
  AFTER_ONE ("refuses-a-message-of-65-levels", "type:1:v whole-chain:64", "a value of more than 64 levels"),
  AFTER_ONE ("refuses-metadata-of-65-levels", "type:1:v metadata-chain:64", "a value of more than 64 levels"),
  AFTER_ONE ("refuses-metadata-that-is-not-in-normal-form", "type:1:(sa{sv}) buffer:type=1,length=61",
             "a value that is not in normal form"),
  AFTER_ONE ("refuses-metadata-without-bytes", "type:1:(sa{sv}) buffer:type=1", "a value that is not in normal form"),
  AFTER_ONE ("refuses-a-message-that-is-not-in-normal-form", "type:1:as whole:kind=2,type=1",
             "a value that is not in normal form"),
  AFTER_ONE ("refuses-a-large-message-that-is-not-in-normal-form",
             "type:1:as whole:kind=2,type=1,size=900000,message=900000", "a value that is not in normal form"),
  AFTER_ONE ("refuses-another-senders-id", "id:123456789012", "which it was not granted"),
};

/* Of the worker that exits with 0, and of what it may do or loses by alone. */
#define TAKEN(name, orders, n_buffers)                                                                                 \
  {                                                                                                                    \
    {name, "attach send:5 " orders " exit:0", 5, EXITED, "status 0"}, n_buffers                                        \
  }

static const BufferRow taken[] = {
  TAKEN ("takes-the-largest", "buffer:size=1048576", 1),
  TAKEN ("takes-the-last-page", "buffer:offset=1044480,size=4096", 1),
  TAKEN ("takes-the-largest-metadata", "type:1:ay buffer:type=1,length=32752", 1),
  TAKEN ("takes-metadata-without-bytes", "type:1:(ss) buffer:type=1", 1),
  TAKEN ("takes-malformed-metadata", "type:1:(ss) buffer:type=1,length=61", 1),
  TAKEN ("takes-metadata-of-64-levels", "type:1:v metadata-chain:63", 1),
  TAKEN ("takes-what-lies-in-another-buffer", "buffer:size=9000 buffer:number=1,offset=8192", 2),
  TAKEN ("takes-wild-words", "buffer: arena:9 buffer:number=1 arena:9", 2),
  {{"takes-messages-in-buffers-within-one-in-pieces",
    "attach send:5 large:33000 whole: whole:number=1 piece:32752 piece:248 buffer:number=2 exit:0", 8, EXITED,
    "status 0"},
   1},
  TAKEN ("takes-buffers-within-a-large-message",
         "large:33000 second buffer: buffer:number=1 buffer:number=2 buffer:number=3", 4),
};

/* Of buffers that are kept. */
static const BufferRow kept[] = {
  {{"refuses-a-number-in-use", "attach send:100 buffer: buffer:offset=8192 pause", 100, FAULT, "has already"}, 1},
  {{"refuses-a-number-that-its-worker-let-go-of", "attach send:100 buffer: released buffer: pause", 100, FAULT,
    "has already"},
   1},
};

static const HostileRow without = {"refuses-a-buffer-where-there-are-none", "attach send:100 buffer: pause", 100, FAULT,
                                   "a link without buffers"};

static void
buffer_cb (FerryReceiver *receiver, GVariant *metadata, GBytes *buffer, gpointer data)
{
  Scene *self = data;

  /* Looks at all of it, for what watches over memory to see. */
  g_free (metadata != NULL ? g_variant_print (metadata, TRUE) : NULL);
  g_assert_true (metadata == NULL || g_variant_is_of_type (metadata, G_VARIANT_TYPE_ANY));
  g_assert_cmpuint (g_bytes_hash (buffer), ==, g_bytes_hash (buffer));
  g_ptr_array_add (self->kept, g_bytes_ref (buffer));
}

static void
run_scene (Scene *self, const HostileRow *row, guint n_buffers, gboolean trusted, guint64 capacity)
{
  self->hostile.trusted = trusted;
  self->hostile.buffers = capacity;
  g_signal_connect (self->hostile.pipe->receiver, "buffer", G_CALLBACK (buffer_cb), self);
  g_signal_connect (self->hostile.second->receiver, "buffer", G_CALLBACK (buffer_cb), self);
  hostile_test_spawn (&self->hostile, row->orders);
  hostile_test_assert_ended (&self->hostile, row);
  g_assert_cmpuint (self->kept->len, ==, n_buffers);
  /* They stay when their link is gone. */
  for (guint i = 0; i < self->kept->len; i++)
    g_assert_cmpuint (g_bytes_hash (self->kept->pdata[i]), ==, g_bytes_hash (self->kept->pdata[i]));
  hostile_test_finish (&self->hostile);
  g_ptr_array_unref (self->kept);
}

static void
run (const HostileRow *row, guint n_buffers, gboolean trusted, guint64 capacity)
{
  Scene self = {.kept = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref)};

  hostile_test_begin (&self.hostile);
  run_scene (&self, row, n_buffers, trusted, capacity);
}

static void
test_refused_where_trusted (gconstpointer data)
{
  run (data, 1, TRUE, CAPACITY);
}

static void
test_refused_where_copied (gconstpointer data)
{
  run (data, 1, FALSE, CAPACITY);
}

static void
test_taken_where_trusted (gconstpointer data)
{
  const BufferRow *row = data;

  run (&row->row, row->n_buffers, TRUE, CAPACITY);
}

static void
test_taken_where_copied (gconstpointer data)
{
  const BufferRow *row = data;

  run (&row->row, row->n_buffers, FALSE, CAPACITY);
}

static void
test_without_arena (gconstpointer trusted)
{
  run (&without, 0, GPOINTER_TO_INT (trusted), 0);
}

/* Its values go into a cell; what it says in the lane all the same comes as of any pipe. */
static void
test_latest (gconstpointer trusted)
{
  static const HostileRow row = {NULL, "attach send:5 second buffer: buffer:number=1 exit:0", 5, EXITED, "status 0"};
  Scene self = {.kept = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref)};

  hostile_test_begin (&self.hostile);
  ferry_test_pipe_free (self.hostile.second);
  self.hostile.second = ferry_test_pipe_new_with_flags (self.hostile.router, FERRY_PIPE_LATEST);
  run_scene (&self, &row, 2, GPOINTER_TO_INT (trusted), CAPACITY);
}

static void
add (const char *way, const char *name, gconstpointer data, GTestDataFunc func)
{
  g_autofree char *path = g_strdup_printf ("/hostile-buffers/%s/%s", way, name);

  g_test_add_data_func (path, data, func);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      add ("trusted", refused[i].path, &refused[i], test_refused_where_trusted);
      add ("copied", refused[i].path, &refused[i], test_refused_where_copied);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (taken); i++)
    {
      add ("trusted", taken[i].row.path, &taken[i], test_taken_where_trusted);
      add ("copied", taken[i].row.path, &taken[i], test_taken_where_copied);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (kept); i++)
    add ("trusted", kept[i].row.path, &kept[i], test_taken_where_trusted);
  add ("trusted", without.path, GINT_TO_POINTER (TRUE), test_without_arena);
  add ("copied", without.path, GINT_TO_POINTER (FALSE), test_without_arena);
  add ("trusted", "takes-buffers-of-a-pipe-for-latest-values", GINT_TO_POINTER (TRUE), test_latest);
  add ("copied", "takes-buffers-of-a-pipe-for-latest-values", GINT_TO_POINTER (FALSE), test_latest);
  return g_test_run ();
}
