/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Descriptors that came, by their handles. See ferry-descriptor-box-private.h. */

#include "config.h"

#include "link/ferry-descriptor-box-private.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>

#include "base/ferry-base-private.h"
#include "link/ferry-orphan-private.h"
#include "wire/ferry-handshake-private.h"

/* In place of a descriptor: the other process sent a packet without it, or this process had too many files open. */
#define NEVER_CAME (-1)

struct _FerryDescriptorBox
{
  pthread_mutex_t lock;
  int inbox;         /* lock: (owned): -1 for none */
  gboolean is_over;  /* lock: a packet had several descriptors, and no more packets are taken */
  guint max;         /* lock */
  gint n_came;       /* lock: how many packets were taken from the inbox: the next handle */
  GHashTable *there; /* lock: (owned): from the handles of packets to their descriptors, which the box owns */
};

FerryDescriptorBox *
ferry_descriptor_box_new (guint max)
{
  FerryDescriptorBox *self = g_new0 (FerryDescriptorBox, 1);

  self->inbox = -1;
  self->max = MIN (max, FERRY_MAX_FDS_PER_LINK);
  self->there = g_hash_table_new (NULL, NULL);
  pthread_mutex_init (&self->lock, NULL);
  return self;
}

/* Another thread closes what came, and what is still in the socket. */
static void
empty_locked (FerryDescriptorBox *self)
{
  GArray *orphans = ferry_orphans_new ();
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->there);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      int fd = GPOINTER_TO_INT (value);

      if (fd != NEVER_CAME)
        g_array_append_val (orphans, fd);
    }
  g_hash_table_remove_all (self->there);
  if (self->inbox >= 0)
    g_array_append_val (orphans, self->inbox);
  self->inbox = -1;
  self->is_over = FALSE;
  self->n_came = 0;
  ferry_orphans_free (orphans);
}

void
ferry_descriptor_box_free (FerryDescriptorBox *self)
{
  empty_locked (self);
  g_hash_table_unref (self->there);
  pthread_mutex_destroy (&self->lock);
  g_free (self);
}

guint
ferry_descriptor_box_get_max (FerryDescriptorBox *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  return self->max;
}

void
ferry_descriptor_box_set_max (FerryDescriptorBox *self, guint max)
{
  FERRY_AUTO_LOCK (&self->lock);
  self->max = MIN (max, FERRY_MAX_FDS_PER_LINK);
}

void
ferry_descriptor_box_set_inbox (FerryDescriptorBox *self, int socket)
{
  FERRY_AUTO_LOCK (&self->lock);
  empty_locked (self);
  self->inbox = socket;
}

gboolean
ferry_descriptor_box_has_inbox (FerryDescriptorBox *self)
{
  FERRY_AUTO_LOCK (&self->lock);
  return self->inbox >= 0;
}

void
ferry_descriptor_box_end (FerryDescriptorBox *self)
{
  FERRY_AUTO_LOCK (&self->lock);

  /* A later send of the other process fails. What is in the socket can still be taken. */
  if (self->inbox >= 0)
    shutdown (self->inbox, SHUT_RD);
}

/* Takes one packet from the inbox. Returns FALSE if there is none, or with an error. */
static gboolean
receive_locked (FerryDescriptorBox *self, GError **error)
{
  GArray *descriptors = ferry_orphans_new ();
  FerryControlHeader packet;
  gsize size;
  int fd = NEVER_CAME;
  FerryControlEvent event;
  int failure;

  errno = 0;
  event = ferry_control_receive_packet (self->inbox, &packet, sizeof packet, &size, descriptors, NULL, NULL);
  failure = event == FERRY_CONTROL_CLOSED && ferry_is_shortage (errno) ? errno : 0;
  /* The kernel gives a packet's descriptors to this process one by one, so 64 such packets would take 0.1 s. */
  self->is_over = descriptors->len > 1;
  if (event == FERRY_CONTROL_TAKEN && descriptors->len == 1)
    {
      fd = g_array_index (descriptors, int, 0);
      g_array_set_size (descriptors, 0);
    }
  ferry_orphans_free (descriptors);
  errno = failure;
  if (failure != 0)
    return ferry_set_system_error (error, "Receiving a descriptor (recvmsg)");
  if (event == FERRY_CONTROL_NOTHING || event == FERRY_CONTROL_CLOSED)
    return FALSE;
  g_hash_table_insert (self->there, GINT_TO_POINTER (self->n_came), GINT_TO_POINTER (fd));
  self->n_came++;
  return TRUE;
}

static gboolean
has_more_locked (FerryDescriptorBox *self)
{
  guint8 byte;

  return self->inbox >= 0 && !self->is_over && recv (self->inbox, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* Why there is no descriptor with a handle. */
static gboolean
set_missing_error_locked (FerryDescriptorBox *self, gint handle, const char *sender, GError **error)
{
  if (handle >= 0 && handle < self->n_came)
    return ferry_set_error (error, FERRY_ERROR_CLOSED,
                            "The descriptor with handle %d was taken already; use it where it is", handle);
  if (g_hash_table_size (self->there) >= self->max && has_more_locked (self))
    return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                            "%s has sent more than the %u descriptors that may wait here; take those that are there, "
                            "or let more wait",
                            sender, self->max);
  return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                          "%s has not sent handle %d; %d descriptors have come; name a handle only after the function "
                          "that sends descriptors has returned it",
                          sender, handle, self->n_came);
}

/* Returns a descriptor, which stays the box's, or -1 with an error. */
static int
find_locked (FerryDescriptorBox *self, gint handle, const char *sender, GError **error)
{
  g_autoptr (GError) failure = NULL;
  gpointer value;

  while (self->inbox >= 0 && !self->is_over && handle >= self->n_came && g_hash_table_size (self->there) < self->max)
    if (!ferry_check_free_fds (1, &failure) || !receive_locked (self, &failure))
      break;
  if (failure != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return -1;
    }
  if (!g_hash_table_lookup_extended (self->there, GINT_TO_POINTER (handle), NULL, &value))
    {
      set_missing_error_locked (self, handle, sender, error);
      return -1;
    }
  if (GPOINTER_TO_INT (value) == NEVER_CAME)
    ferry_set_error (error, FERRY_ERROR_SYSTEM,
                     "%s has sent handle %d, and its descriptor did not come; raise the limit of open files", sender,
                     handle);
  return GPOINTER_TO_INT (value);
}

int
ferry_descriptor_box_dup (FerryDescriptorBox *self, gint handle, const char *sender, GError **error)
{
  int copy;
  int fd;
  FERRY_AUTO_LOCK (&self->lock);

  fd = find_locked (self, handle, sender, error);
  copy = fd >= 0 ? fcntl (fd, F_DUPFD_CLOEXEC, 0) : -1;
  if (fd >= 0 && copy < 0)
    ferry_set_system_error (error, "Copying a descriptor (fcntl)");
  return copy;
}

int
ferry_descriptor_box_take (FerryDescriptorBox *self, gint handle, const char *sender,
                           gboolean (*check) (int fd, GError **error), GError **error)
{
  int fd;
  FERRY_AUTO_LOCK (&self->lock);

  fd = find_locked (self, handle, sender, error);
  if (fd < 0 || (check != NULL && !check (fd, error)))
    return -1;
  g_hash_table_remove (self->there, GINT_TO_POINTER (handle));
  return fd;
}

gboolean
ferry_descriptor_send (int socket, int fd, const char *closed, GError **error)
{
  FerryControlHeader packet = {0};

  errno = ferry_control_send (socket, FERRY_CONTROL_DESCRIPTOR, &packet, sizeof packet, &fd, 1, MSG_DONTWAIT);
  if (errno == EPIPE || errno == ECONNRESET)
    return ferry_set_error (error, FERRY_ERROR_CLOSED, "%s", closed);
  if (errno == EAGAIN)
    return ferry_set_error (error, FERRY_ERROR_WOULD_BLOCK,
                            "Too many descriptors wait for the other end to take them; send again when it has");
  return errno == 0 || ferry_set_system_error (error, "Sending a descriptor (sendmsg), which must be open,");
}
