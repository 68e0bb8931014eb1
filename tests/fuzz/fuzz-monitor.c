/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "fuzz.h"

#include <string.h>
#include <sys/socket.h>

#include "base/ferry-base-private.h"
#include "route/ferry-monitor-private.h"

#define N_PIPES 2

struct _FuzzMonitor
{
  FerryMonitor *monitor;
  FerryLink *link;
  guint n_types[N_PIPES + 1]; /* by the connection id: what came out of the local queue */
};

static gboolean
do_nothing (gpointer data)
{
  return FALSE;
}

/* As ferry_monitor_new() does, without the thread. */
static FerryMonitor *
make_monitor (void)
{
  FerryMonitor *monitor = g_new0 (FerryMonitor, 1);

  atomic_init (&monitor->references, 1);
  pthread_mutex_init (&monitor->lock, NULL);
  monitor->pingee = ferry_pingee_new (0, 0, do_nothing, NULL, NULL);
  monitor->grants = g_array_new (FALSE, TRUE, sizeof (FerryGrantEntry));
  monitor->shared = ferry_shared_queue_new (NULL);
  monitor->local = ferry_local_queue_new (monitor->shared, 16 * 1024 * 1024, NULL);
  return monitor;
}

FuzzMonitor *
fuzz_monitor_new (void)
{
  const guint64 connection_ids[N_PIPES] = {1, 2};
  const guint32 cells[N_PIPES] = {FERRY_NO_CELL, FERRY_NO_CELL};
  FuzzMonitor *self = g_new0 (FuzzMonitor, 1);

  self->monitor = make_monitor ();
  self->link = ferry_link_new ("fuzz", connection_ids, cells, N_PIPES, FUZZ_CAPACITY, 0, FUZZ_MAX_MESSAGE, NULL);
  self->link->local = TRUE;
  g_array_set_size (self->monitor->grants, N_PIPES + 1);
  for (guint i = 0; i < N_PIPES; i++)
    g_array_index (self->monitor->grants, FerryGrantEntry, i + 1) =
      (FerryGrantEntry){connection_ids[i], self->link, i, 0};
  g_assert_true (ferry_shared_queue_add (self->monitor->shared, self->link, NULL));
  return self;
}

void
fuzz_monitor_free (FuzzMonitor *self)
{
  ferry_shared_queue_remove (self->monitor->shared, self->link);
  g_assert_cmpint (atomic_load (&self->link->bytes_out), ==, 0);
  g_assert_cmpint (atomic_load (&self->link->references), ==, 1);
  ferry_link_unref (self->link);
  ferry_monitor_unref (self->monitor);
  g_free (self);
}

guint8 *
fuzz_monitor_get_ring (FuzzMonitor *self)
{
  return self->link->segment.up_ring;
}

static void
check_message (FuzzMonitor *self, guint64 connection_id, guint16 kind, guint16 number)
{
  g_assert_cmpuint (connection_id, >=, 1);
  g_assert_cmpuint (connection_id, <=, N_PIPES);
  if (kind == FERRY_RECORD_BYTES)
    g_assert_cmpuint (number, ==, 0);
  if (kind == FERRY_RECORD_VARIANT)
    g_assert_true (number >= 1 && number <= self->n_types[connection_id]);
}

/* What the router's thread relies on. */
static void
check_records (FuzzMonitor *self, const FerryBlock *block)
{
  gsize size = 0;

  g_assert_cmpuint (block->size, <=, FERRY_BLOCK_SIZE);
  while (size < block->size)
    {
      const FerryRecordHeader *header = (const FerryRecordHeader *) (const void *) (block->data + size);
      g_autofree char *type = NULL;

      g_assert_cmpuint (block->size - size, >=, sizeof *header);
      g_assert_cmpuint (header->length, <=, FERRY_MAX_RECORD_PAYLOAD);
      check_message (self, header->connection_id, header->kind, header->number);
      size += ferry_record_size (header->length);
      if (header->kind == FERRY_RECORD_TYPE)
        {
          type = g_strndup ((const char *) (header + 1), header->length);
          g_assert_cmpuint (header->number, ==, ++self->n_types[header->connection_id]);
          g_assert_cmpuint (header->number, <=, FERRY_MAX_TYPES_PER_PIPE);
          g_assert_true (g_variant_type_string_is_valid (type));
        }
      else
        g_assert_true (header->kind == FERRY_RECORD_BYTES || header->kind == FERRY_RECORD_VARIANT ||
                       (header->kind == FERRY_RECORD_STOP && header->length == 0));
    }
  g_assert_cmpuint (size, ==, block->size);
}

static void
check_block (FuzzMonitor *self, const FerryBlock *block)
{
  if (block->kind == FERRY_BLOCK_RECORDS)
    {
      check_records (self, block);
      return;
    }
  g_assert_cmpint (block->kind, ==, FERRY_BLOCK_LARGE);
  g_assert_cmpuint (block->size, >, FERRY_MAX_RECORD_PAYLOAD);
  g_assert_cmpuint (block->size, <=, FUZZ_MAX_MESSAGE);
  g_assert_true (block->message_kind == FERRY_RECORD_BYTES || block->message_kind == FERRY_RECORD_VARIANT);
  check_message (self, block->connection_id, block->message_kind, block->number);
  /* Reads all of it, for what watches over memory to see. */
  g_assert_nonnull (block->data);
  g_free (g_memdup2 (block->data, block->size));
}

static void
check_queue (FuzzMonitor *self)
{
  FerryBlock *block;

  while ((block = ferry_local_queue_pop (self->monitor->local)) != NULL)
    {
      check_block (self, block);
      ferry_local_queue_give_back (self->monitor->local, block);
    }
}

/* Publishes a tail and drains the lane. Returns FALSE when the link was given up. */
gboolean
fuzz_monitor_publish (FuzzMonitor *self, guint64 tail)
{
  FerryDrainResult result;

  atomic_store (&ferry_segment_get_up (&self->link->segment)->writer.tail, tail);
  do
    {
      result = ferry_monitor_drain (self->monitor, self->link);
      g_assert_cmpint (atomic_load (&self->link->bytes_out), <=, FERRY_LINK_WINDOW + FUZZ_MAX_MESSAGE);
      check_queue (self);
    }
  while (result != FERRY_DRAIN_EMPTY);
  g_assert_true ((self->link->cause == FERRY_CLOSE_REASON_PROTOCOL_ERROR) == self->link->draining_done);
  g_assert_true (!self->link->draining_done || self->link->detail != NULL);
  return !self->link->draining_done;
}

void
fuzz_send_packet (int socket, gconstpointer data, gsize size, int fd, guint n_fds)
{
  union
  {
    char bytes[CMSG_SPACE (4 * sizeof (int))];
    struct cmsghdr align;
  } control = {0};
  struct iovec vector = {.iov_base = (gpointer) data, .iov_len = size};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};

  g_assert_cmpuint (n_fds, <=, 4);
  if (n_fds > 0)
    {
      message.msg_control = control.bytes;
      message.msg_controllen = CMSG_SPACE (n_fds * sizeof (int));
      control.align = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN (n_fds * sizeof (int))};
      for (guint i = 0; i < n_fds; i++)
        memcpy (CMSG_DATA (&control.align) + i * sizeof (int), &fd, sizeof fd);
    }
  g_assert_cmpint (sendmsg (socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT), ==, (gssize) size);
}
