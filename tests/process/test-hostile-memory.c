/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: link/ferry-aside.c, link/ferry-orphan.c
 *
 * Workers that hand over what is no buffer. The application says what is wrong with it, reads nothing that could end
 * it, and goes on at once with everybody else. */

#include "config.h"

#include <string.h>
#include <sys/mman.h>

#include "base/ferry-base-private.h"
#include "process/hostile-test.h"

#define FAULT FERRY_CLOSE_REASON_PROTOCOL_ERROR
#define SIZE ((gsize) 1024 * 1024)

typedef struct
{
  const char *path;
  const char *orders; /* behind 100 messages */
  const char *words;  /* of the fault; NULL where there is none, and the worker exits */
  guint n_buffers;
  guint8 byte; /* that they are full of */
} Row;

#define REFUSES(name, orders, words)                                                                                   \
  {                                                                                                                    \
    "/hostile-memory/refuses-" name, orders " pause", words, 0, 0                                                      \
  }

static const Row rows[] = {
  REFUSES ("memory-that-is-not-sealed", "offer:unsealed record", "not sealed"),
  REFUSES ("memory-that-can-be-written-to", "offer:writable record", "not sealed"),
  REFUSES ("memory-whose-seals-are-open", "offer:open record", "not sealed"),
  REFUSES ("a-file-on-disk", "offer:disk record", "not sealed"),
  REFUSES ("a-pipe", "offer:pipe record", "not sealed"),
  REFUSES ("a-directory", "offer:directory record", "not sealed"),
  REFUSES ("a-socket", "offer:socket record", "not sealed"),
  REFUSES ("a-device", "offer:null record", "not sealed"),
  REFUSES ("memory-that-is-shorter-than-it-says", "offer:short record", "of another size"),
  REFUSES ("memory-that-is-longer-than-it-says", "offer:long record", "of another size"),
  REFUSES ("memory-that-is-not-all-there", "offer:sparse record", "with holes"),
  REFUSES ("memory-that-cannot-be-counted", "offer:read-only record", "not opened for writing"),
  REFUSES ("memory-that-is-beyond-its-end", "offer:beyond record", "with holes"),
  REFUSES ("memory-with-a-hole", "offer:hole record", "with holes"),
  REFUSES ("a-giant", "offer:giant record:1099511627776", "beyond its limit"),
  REFUSES ("nothing", "offer:good record:18446744073709551615", "beyond its limit"),
  REFUSES ("an-offer-without-a-descriptor", "offer:none record", "without its descriptor or with several"),
  REFUSES ("an-offer-with-two-descriptors", "offer:two record", "without its descriptor or with several"),
  REFUSES ("an-offer-with-many-descriptors", "offer:many record", "without its descriptor or with several"),
  REFUSES ("a-record-without-a-descriptor", "record", "without a descriptor"),
  {"/hostile-memory/refuses-a-second-record-for-a-descriptor", "offer:good record record pause", "without a descriptor",
   1, 7},
  REFUSES ("a-record-out-of-order", "offer:good offer:good number:2", "out of order"),
  REFUSES ("a-record-without-payload", "offer:good empty", "malformed"),
  REFUSES ("metadata-of-no-type", "offer:good typed:1", "malformed"),
  REFUSES ("a-buffer-of-the-other-kind", "lent", "without such buffers"),
  REFUSES ("a-record-for-another-pipe", "offer:good second record", "without such buffers"),
  {"/hostile-memory/takes-what-is-good", "offer:good record offer:good offer:good record record exit", NULL, 3, 7},
  {"/hostile-memory/takes-what-was-allocated-and-not-written", "offer:counted record exit", NULL, 1, 0},
  {"/hostile-memory/takes-what-a-hole-could-not-be-punched-into", "punched record exit", NULL, 1, 7},
  {"/hostile-memory/drops-descriptors-without-records", "offers:16 exit", NULL, 0, 0},
  {"/hostile-memory/drops-descriptors-beyond-its-records", "offers:100 record exit", NULL, 1, 7},
};

typedef struct
{
  HostileTest test;
  FerrySender *sender;
  FerryReceiver *receiver;
  GPtrArray *buffers;
  gboolean closed;
  guint n_fds;
} Scene;

static void
buffer_cb (FerryReceiver *receiver, GVariant *metadata, GBytes *buffer, gpointer data)
{
  Scene *self = data;

  g_ptr_array_add (self->buffers, g_bytes_ref (buffer));
}

static void
closed_cb (FerryReceiver *receiver, FerryExit *exit, gpointer data)
{
  ((Scene *) data)->closed = TRUE;
}

static void
scene_begin (Scene *self)
{
  g_autoptr (GError) error = NULL;

  *self = (Scene){.buffers = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref)};
  hostile_test_begin (&self->test);
  self->n_fds = ferry_test_count_fds ();
  ferry_router_pipe (self->test.router, FERRY_PIPE_ONE_SHOT_BUFFERS, &self->sender, &self->receiver, &error);
  g_assert_no_error (error);
  g_signal_connect (self->receiver, "buffer", G_CALLBACK (buffer_cb), self);
  g_signal_connect (self->receiver, "closed", G_CALLBACK (closed_cb), self);
}

static void
scene_spawn (Scene *self, const char *orders)
{
  g_autofree char *path = ferry_test_build_path ("hostile-memory-worker");
  g_autofree char *line = g_strconcat (path, " send:100 drained ", orders, NULL);
  g_auto (GStrv) argv = g_strsplit (line, " ", -1);
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new ((const char *const *) argv);
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_launcher_add_sender (launcher, "out", self->sender, &error));
  worker_test_add_sender (launcher, "second", self->test.second);
  self->test.worker = worker_test_spawn (launcher, self->test.router);
}

static gboolean
has_so_many_fds (gpointer data)
{
  return ferry_test_count_fds () == *(guint *) data;
}

static void
scene_end (Scene *self, const Row *row)
{
  ferry_test_wait_flag (&self->closed);
  worker_test_assert_exit (self->test.worker, row->words != NULL ? FAULT : FERRY_CLOSE_REASON_EXITED,
                           row->words != NULL ? row->words : "status 0");
  g_assert_cmpuint (ferry_test_get_number (self->receiver, "n-messages"), ==, 100 + row->n_buffers);
  g_assert_cmpuint (self->buffers->len, ==, row->n_buffers);
  for (guint i = 0; i < self->buffers->len; i++)
    {
      gsize size;
      const guint8 *data = g_bytes_get_data (self->buffers->pdata[i], &size);

      g_assert_cmpuint (size, ==, SIZE);
      for (gsize at = 0; at < size; at++)
        g_assert_cmpuint (data[at], ==, row->byte);
    }
  g_clear_object (&self->sender);
  g_clear_object (&self->receiver);
  ferry_test_look_until (has_so_many_fds, &self->n_fds);
  hostile_test_finish (&self->test);
  g_ptr_array_unref (self->buffers);
}

static void
test_row (gconstpointer data)
{
  const Row *row = data;
  Scene scene;

  scene_begin (&scene);
  scene_spawn (&scene, row->orders);
  scene_end (&scene, row);
}

/* It has all the seals, and a process that reads it ends of SIGBUS where there are no such pages left. */
static void
test_huge_pages (void)
{
  static const Row row = {NULL, "offer:hugetlb record:2097152 pause", "not lie on a tmpfs", 0};
  ferry_autofd fd = memfd_create ("huge", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB);

  if (fd < 0)
    g_test_skip ("this kernel has no huge pages in files");
  else
    test_row (&row);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    g_test_add_data_func (rows[i].path, &rows[i], test_row);
  g_test_add_func ("/hostile-memory/refuses-huge-pages", test_huge_pages);

  return g_test_run ();
}
