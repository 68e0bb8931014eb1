/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker of a pool that has been taken over: it attaches as it should, reads what it is asked, and then does as its
 * arguments tell it, one after the other. It is deaf to SIGTERM from the beginning.
 *
 * Calls:
 *   take             take the next call, which is what the others are about; at a finish record, exit
 *   claim            claim it by the rules
 *   one              take one, claim it, and answer it with nothing
 *   first:FILE       go on only if there is no such file, which there is then; else serve-items
 *   serve-items      claim each chunk of a map's items that comes, and answer each with itself, until a finish record
 *   serve            claim each call that comes and answer it with nothing, until a finish record
 *   answer-unread    answer the next calls without end, claiming and reading none of them
 *   serve-late       answer each call that comes once it was cancelled; take no cancel
 *   refuse           refuse each call that comes
 *   ignore-finish    take calls, and the finish record, and answer none
 * Messages; each is numbered from 0 on, and # stands for that number:
 *   m:KEY=VALUE,...  xid: +N or -N from the call's, or N; kind, number, flags, window; name; type; body: so many zero
 *                    bytes; text: a string as the body; name-length, type-length: other than true; cut: bytes less
 *   raw:N            N bytes of 0xa5
 *   random:N         N random bytes
 *   error:KEY=VALUE,...   kind; domain; code; message, trace, notes, note: sizes
 *   large:N          an answer of N bytes
 *   deep:N           an answer that is a variant in a variant, N times, around a byte
 *   request-storm:N  N requests, with arguments of 1 MiB from number 10,000 on
 *   N*ORDER          obey ORDER so often
 * Progress:
 *   p:KEY=VALUE,...  xid, fraction, amount, total; text; unit-length, text-length: other than true; size: of all
 *   torn             be within a write without end
 *   dirty:N          mark all cells that there could be, and ring, N times
 * The claim word:
 *   word:N           write it. Here and below, N is from the call's, or absolute, as an xid
 *   hold  doomed     set that flag
 *   flip             have a thread write it over and over
 * The lanes that go down, where LANE is down or express:
 *   LANE:N           move its head by that
 *   ring-for-ever
 * The process:
 *   output:N         write N MiB of what is no text, and no line, to standard output
 *   close-output  hang-up  stop-senders  stop-calls  exit:N  kill  pause  spin
 *   fork             have a child do what follows, in which the marks of a forked process are taken off
 *   write-for-ever   answers of the call, without end */

#include "config.h"

#include "workers/hostile-forgery.h"

#include <fcntl.h>
#include <ferry.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "job/ferry-map-function-private.h"
#include "process/ferry-attachment-private.h"
#include "wire/ferry-task-call-private.h"

FerrySender *calls;
FerrySender *progress;
guint64 current;
static GVariant *arguments; /* (owned) (nullable): of the call that was taken last */
static FerryDownlink *downlink;

static FerryLinkControl *
get_control (void)
{
  return ferry_segment_get_control (&ferry_sender_get_uplink (calls)->segment);
}

/* ---- calls ---- */

/* Returns FALSE at a finish record. */
static gboolean
take (void)
{
  FerryDownMessage message;
  FerryCallMessage call;

  for (;;)
    {
      switch (ferry_downlink_receive (downlink, -1, &message))
        {
        case FERRY_DOWN_EVENT_FINISH:
          return FALSE;
        case FERRY_DOWN_EVENT_CLOSED:
        case FERRY_DOWN_EVENT_BROKEN:
          for (;;)
            pause ();
        case FERRY_DOWN_EVENT_NOTHING:
          continue;
        case FERRY_DOWN_EVENT_MESSAGE:
        default:
          break;
        }
      check (ferry_call_message_parse (&call, message.data, message.size, NULL), "a message that is none");
      current = call.header.xid;
      if (call.header.kind != FERRY_CALL_REQUEST)
        continue;
      g_clear_pointer (&arguments, g_variant_unref);
      arguments = ferry_call_message_dup_value (&call, NULL);
      return TRUE;
    }
}

static void
answer_all (gboolean claims, FerryCallKind kind)
{
  while (take ())
    {
      if (claims && ferry_downlink_claim (downlink, current) != FERRY_CLAIM_BEGUN)
        continue;
      if (kind == FERRY_CALL_ANSWER)
        send_message (kind, current, NULL, NULL);
      else
        send_error ("kind=4,domain=g-io-error-quark,code=1,message=3");
    }
}

/* Answers whatever may come next, over and over. */
static void
answer_unread (void)
{
  for (guint64 i = 1;; i = i % 20 + 1)
    send_message (FERRY_CALL_ANSWER, current + i, NULL, NULL);
}

static void
answer_one (void)
{
  if (!take ())
    _exit (0);
  ferry_downlink_claim (downlink, current);
  send_message (FERRY_CALL_ANSWER, current, NULL, NULL);
}

/* The tail of the express lane tells of cancels only until that is full. */
static void
answer_late (void)
{
  /* The words of the cancels, none of which is taken. */
  const _Atomic guint64 *express = (gpointer) ferry_sender_get_uplink (calls)->segment.express_ring;
  guint64 tail = 0;

  do
    {
      ferry_downlink_claim (downlink, current);
      while (tail < FERRY_EXPRESS_CAPACITY - FERRY_LANE_END && atomic_load (&express[tail / 8]) == 0)
        g_thread_yield ();
      while (tail < FERRY_EXPRESS_CAPACITY - FERRY_LANE_END && atomic_load (&express[tail / 8]) != 0)
        tail += sizeof (FerryRecordHeader);
      send_message (FERRY_CALL_ANSWER, current, NULL, NULL);
    }
  while (take ());
}

static void
answer_items (void)
{
  g_autoptr (GVariant) items = NULL;
  gsize n;

  check (arguments != NULL && g_variant_is_of_type (arguments, G_VARIANT_TYPE (FERRY_MAP_ARGUMENTS_TYPE)),
         "a chunk that is none");
  items = g_variant_get_child_value (arguments, 2);
  n = g_variant_n_children (items);
  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (GVariant) item = g_variant_get_child_value (items, i);

      send_message (FERRY_CALL_ITEM, current, FERRY_MAP_MESSAGE_VALUE, item);
    }
  send_message (FERRY_CALL_ANSWER, current, NULL, g_variant_new_int64 (1));
}

/* A chunk of one item may be a call of the function itself. */
static void
serve_items (void)
{
  while (take ())
    if (ferry_downlink_claim (downlink, current) != FERRY_CLAIM_BEGUN)
      continue;
    else if (g_variant_is_of_type (arguments, G_VARIANT_TYPE_INT64))
      send_message (FERRY_CALL_ANSWER, current, NULL, arguments);
    else
      answer_items ();
  _exit (0);
}

static void
be_first (const char *path)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

  if (fd < 0)
    serve_items ();
  close (fd);
}

static gboolean
obey_call (const char *order, const char *value)
{
  if (strcmp (order, "take") == 0)
    {
      if (!take ())
        _exit (0);
    }
  else if (strcmp (order, "claim") == 0)
    ferry_downlink_claim (downlink, current);
  else if (strcmp (order, "one") == 0)
    answer_one ();
  else if (strcmp (order, "serve-late") == 0)
    answer_late ();
  else if (strcmp (order, "serve-items") == 0)
    serve_items ();
  else if (g_str_has_prefix (order, "first:"))
    be_first (value);
  else if (strcmp (order, "serve") == 0)
    answer_all (TRUE, FERRY_CALL_ANSWER);
  else if (strcmp (order, "answer-unread") == 0)
    answer_unread ();
  else if (strcmp (order, "refuse") == 0)
    answer_all (FALSE, FERRY_CALL_REFUSE);
  else if (strcmp (order, "ignore-finish") == 0)
    while (take ())
      ;
  else
    return FALSE;
  return TRUE;
}

/* ---- memory ---- */

static void
mark_cells (guint64 n)
{
  for (guint64 i = 0; i < n; i++)
    {
      atomic_fetch_or (&get_control ()->dirty, G_MAXUINT64);
      ferry_doorbell_ring (ferry_sender_get_uplink (calls)->doorbell);
    }
}

static void
tear_cell (void)
{
  FerryCell *cell = &ferry_sender_get_uplink (progress)->segment.cells[0];
  guint64 sequence = atomic_load (&cell->sequence);

  atomic_store (&cell->begun, sequence + 3);
  atomic_store (&cell->sequence, sequence + 1);
  mark_cells (1);
}

static gpointer
flip (gpointer data)
{
  for (guint64 i = 0;; i++)
    atomic_store (&get_control ()->claim, i << FERRY_CLAIM_SHIFT | (i & 3));
  return NULL;
}

static void
move_head (FerryLaneControl *lane, const char *value)
{
  atomic_fetch_add (&lane->reader.head, read_number (value));
  ferry_doorbell_ring (ferry_sender_get_uplink (calls)->doorbell);
}

static gboolean
obey_memory (const char *order, const char *value)
{
  _Atomic guint64 *claim = &get_control ()->claim;

  if (strcmp (order, "torn") == 0)
    tear_cell ();
  else if (g_str_has_prefix (order, "dirty:"))
    mark_cells (read_number (value));
  else if (g_str_has_prefix (order, "word:"))
    atomic_store (claim, read_xid (value) << FERRY_CLAIM_SHIFT);
  else if (strcmp (order, "hold") == 0)
    atomic_fetch_or (claim, FERRY_CLAIM_HOLD);
  else if (strcmp (order, "doomed") == 0)
    atomic_fetch_or (claim, FERRY_CLAIM_DOOMED);
  else if (strcmp (order, "flip") == 0)
    g_thread_unref (g_thread_new ("flip", flip, NULL));
  else if (g_str_has_prefix (order, "down:"))
    move_head (ferry_segment_get_down (&ferry_sender_get_uplink (calls)->segment), value);
  else if (g_str_has_prefix (order, "express:"))
    move_head (ferry_segment_get_express (&ferry_sender_get_uplink (calls)->segment), value);
  else if (strcmp (order, "ring-for-ever") == 0)
    for (;;)
      ferry_doorbell_ring (ferry_sender_get_uplink (calls)->doorbell);
  else
    return FALSE;
  return TRUE;
}

/* ---- the process ---- */

static void
write_output (guint64 n)
{
  g_autofree char *bytes = g_strnfill (1024 * 1024, '\xff');

  for (guint64 i = 0; i < n; i++)
    for (gssize written = 0; written < 1024 * 1024;)
      {
        gssize size = write (STDOUT_FILENO, bytes + written, (gsize) (1024 * 1024 - written));

        check (size > 0, "write");
        written += size;
      }
}

static void
be_forked (void)
{
  pid_t child = fork ();

  check (child >= 0, "fork");
  if (child > 0)
    for (;;)
      pause ();
  ferry_sender_get_uplink (calls)->forked = FALSE;
  ferry_sender_get_uplink (calls)->writer.capacity = ferry_sender_get_uplink (calls)->segment.up_capacity;
}

static gboolean
obey_process (const char *order, guint64 n)
{
  if (g_str_has_prefix (order, "output:"))
    write_output (n);
  else if (strcmp (order, "close-output") == 0)
    check (close (STDOUT_FILENO) == 0 && close (STDERR_FILENO) == 0, "close");
  else if (strcmp (order, "hang-up") == 0)
    check (close (3) == 0, "close");
  else if (strcmp (order, "stop-senders") == 0)
    check (ferry_sender_stop (calls, NULL) && ferry_sender_stop (progress, NULL), "stop");
  else if (strcmp (order, "stop-calls") == 0)
    check (ferry_sender_stop (calls, NULL), "stop");
  else if (g_str_has_prefix (order, "exit:"))
    _exit ((int) n);
  else if (strcmp (order, "kill") == 0)
    raise (SIGKILL);
  else if (strcmp (order, "pause") == 0)
    for (;;)
      pause ();
  else if (strcmp (order, "spin") == 0)
    for (;;)
      atomic_load (&get_control ()->claim);
  else if (strcmp (order, "fork") == 0)
    be_forked ();
  else if (strcmp (order, "write-for-ever") == 0)
    for (;;)
      send_message (FERRY_CALL_ANSWER, current, NULL, NULL);
  else
    return FALSE;
  return TRUE;
}

static void
obey (const char *order)
{
  const char *colon = strchr (order, ':');
  const char *star = strchr (order, '*');
  const char *value = colon != NULL ? colon + 1 : "";
  guint64 n = read_number (value);

  if (star != NULL && g_ascii_isdigit (order[0]))
    for (guint64 i = read_number (order); i > 0; i--)
      obey (star + 1);
  else
    check (obey_call (order, value) || obey_message (order, value, n) || obey_memory (order, value) ||
             obey_process (order, n),
           order);
}

static FerrySender *
get_sender (const char *name)
{
  FerrySender *sender = ferry_attachment_get_sender (name, NULL);

  check (sender != NULL && ferry_sender_start (sender, NULL), name);
  return sender;
}

int
main (int argc, char **argv)
{
  signal (SIGTERM, SIG_IGN);
  calls = get_sender (FERRY_CALLS_SENDER);
  progress = get_sender (FERRY_PROGRESS_SENDER);
  downlink = ferry_attachment_get_downlink (NULL);
  check (downlink != NULL, "the lanes that come down");
  for (int i = 1; i < argc; i++)
    obey (argv[i]);
  return 0;
}
