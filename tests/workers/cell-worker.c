/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker with a sender "out" of a pipe for latest values. It does what its arguments tell it:
 *
 *   send:N      send N values, numbers of 8 bytes, numbered on from 1
 *   count:N     the same, and keep the number of values whose send returned TRUE in standard input, mapped shared; then
 *               die of SIGKILL within a write
 *   flood       the same without end, and without a death of its own
 *   message:N   send N through the sender "second", whose pipe is queued
 *   burst:N     send N messages through it, numbered on from 0
 *   other:N     send N through the sender "other", whose pipe is for latest values as well
 *   await       wait for a byte of standard input
 *   stop        stop the sender
 *   pause       hang without end
 *
 * and what no honest worker does:
 *
 *   lie         write a value that is larger than its cell
 *   type        write a value of no type
 *   back        set the count of values back, once the values were taken
 *   torn        be within a write without end
 *   bits        mark all cells that there could be, once
 *   storm       mark all cells and ring, without end */

#include <ferry.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "route/ferry-sender-private.h"

static FerrySender *sender;
static FerrySender *other; /* (nullable): "other", once it has sent */
static _Atomic guint64 *account;
static guint64 next_number = 1;

static void
check (gboolean success)
{
  if (!success)
    _exit (2);
}

static FerrySender *
get_sender (const char *name)
{
  FerrySender *taken = ferry_worker_get_sender (name, NULL);

  check (taken != NULL && ferry_sender_start (taken, NULL));
  return taken;
}

static void
send_values (guint64 n)
{
  for (guint64 i = 0; i < n; i++, next_number++)
    check (ferry_sender_send_bytes (sender, &next_number, sizeof next_number, NULL));
}

static void
count_values (guint64 n)
{
  account = mmap (NULL, sizeof *account, PROT_READ | PROT_WRITE, MAP_SHARED, STDIN_FILENO, 0);
  check ((void *) account != MAP_FAILED);
  for (guint64 i = 0; i < n; i++)
    {
      send_values (1);
      atomic_store (account, next_number - 1);
    }
}

static void
send_message (guint64 n)
{
  FerrySender *second = get_sender ("second");

  check (ferry_sender_send_bytes (second, &n, sizeof n, NULL));
  g_object_unref (second);
}

/* Keeps the sender: the last value of one that is dropped comes with its end. */
static void
send_other (guint64 n)
{
  if (other == NULL)
    other = get_sender ("other");
  check (ferry_sender_send_bytes (other, &n, sizeof n, NULL));
}

static void
send_burst (guint64 n)
{
  FerrySender *second = get_sender ("second");

  for (guint64 i = 0; i < n; i++)
    check (ferry_sender_send_bytes (second, &i, sizeof i, NULL));
  g_object_unref (second);
}

static void
await_byte (void)
{
  char byte;

  check (read (STDIN_FILENO, &byte, 1) == 1);
}

/* As if killed in the middle of the next write. */
static void
die_within_write (void)
{
  FerryCell *cell = &ferry_sender_get_uplink (sender)->segment.cells[0];
  guint64 sequence = atomic_load (&cell->sequence) + 1;

  atomic_store (&cell->begun, sequence);
  atomic_store (&cell->slots[sequence & 1][0], G_MAXUINT64);
  raise (SIGKILL);
}

static void
mark (guint64 bits)
{
  atomic_fetch_or (&ferry_segment_get_control (&ferry_sender_get_uplink (sender)->segment)->dirty, bits);
  ferry_doorbell_ring (ferry_sender_get_uplink (sender)->doorbell);
}

/* Writes words where a value would be. */
static void
lie (FerryCellHeader header, const char *text)
{
  FerryCell *cell = &ferry_sender_get_uplink (sender)->segment.cells[0];
  guint64 sequence = atomic_load (&cell->sequence) + 1;
  guint64 word;

  memcpy (&word, &header, sizeof word);
  atomic_store (&cell->begun, sequence);
  atomic_store (&cell->slots[sequence & 1][0], word);
  memcpy (&word, text, sizeof word);
  atomic_store (&cell->slots[sequence & 1][1], word);
  atomic_store (&cell->sequence, sequence);
  mark (1);
}

static gboolean
misbehave (const char *order)
{
  FerryCell *cell = &ferry_sender_get_uplink (sender)->segment.cells[0];
  guint64 sequence = atomic_load (&cell->sequence);

  if (strcmp (order, "lie") == 0)
    lie ((FerryCellHeader){G_MAXUINT32, FERRY_RECORD_BYTES, 0}, "1234567");
  else if (strcmp (order, "type") == 0)
    lie ((FerryCellHeader){8, FERRY_RECORD_VARIANT, 7}, "a{sv}(i");
  else if (strcmp (order, "back") == 0)
    {
      while (atomic_load (&cell->reader_waiting) == FERRY_CELL_FIRST_EPOCH)
        g_thread_yield ();
      atomic_store (&cell->sequence, sequence - 1);
      mark (1);
    }
  else if (strcmp (order, "torn") == 0)
    {
      atomic_store (&cell->begun, sequence + 3);
      atomic_store (&cell->sequence, sequence + 1);
      mark (1);
    }
  else if (strcmp (order, "bits") == 0)
    mark (G_MAXUINT64);
  else if (strcmp (order, "storm") == 0)
    for (;;)
      mark (G_MAXUINT64);
  else
    return FALSE;
  return TRUE;
}

static gboolean
obey (const char *order)
{
  const char *colon = strchr (order, ':');
  guint64 n = colon != NULL ? g_ascii_strtoull (colon + 1, NULL, 10) : 0;

  if (g_str_has_prefix (order, "send:"))
    send_values (n);
  else if (g_str_has_prefix (order, "count:"))
    {
      count_values (n);
      die_within_write ();
    }
  else if (strcmp (order, "flood") == 0)
    count_values (G_MAXUINT64);
  else if (g_str_has_prefix (order, "message:"))
    send_message (n);
  else if (g_str_has_prefix (order, "burst:"))
    send_burst (n);
  else if (g_str_has_prefix (order, "other:"))
    send_other (n);
  else if (strcmp (order, "await") == 0)
    await_byte ();
  else if (strcmp (order, "stop") == 0)
    check (ferry_sender_stop (sender, NULL));
  else if (strcmp (order, "pause") == 0)
    for (;;)
      pause ();
  else
    return misbehave (order);
  return TRUE;
}

int
main (int argc, char **argv)
{
  sender = get_sender ("out");
  for (int i = 1; i < argc; i++)
    check (obey (argv[i]));
  g_clear_object (&other);
  g_object_unref (sender);
  return 0;
}
