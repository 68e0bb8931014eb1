/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "link/ferry-hands-private.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>

#include "base/ferry-base-private.h"

typedef struct
{
  guint64 record_end; /* position in the down lane */
  guint n_descriptors;
} FerryHanded;

static FerryHands *
hands_new (void)
{
  FerryHands *self = g_new0 (FerryHands, 1);

  self->under_way = g_array_new (FALSE, FALSE, sizeof (FerryHanded));
  g_queue_init (&self->local);
  return self;
}

/* They are the application's own, and so is what their end may wait for. */
void
ferry_descriptors_close (GArray *descriptors)
{
  for (guint i = 0; i < descriptors->len; i++)
    close (g_array_index (descriptors, int, i));
  g_array_set_size (descriptors, 0);
}

void
ferry_descriptors_free (GArray *descriptors)
{
  ferry_descriptors_close (descriptors);
  g_array_unref (descriptors);
}

void
ferry_hands_free (FerryHands *self)
{
  g_array_unref (self->under_way);
  g_queue_clear_full (&self->local, (GDestroyNotify) ferry_descriptors_free);
  g_free (self);
}

/* Whether packets are left in the socket where the worker says that it has taken all. */
static gboolean
is_something_left (FerryLink *link)
{
  int left = 0;

  return link->control >= 0 && ioctl (link->control, SIOCOUTQ, &left) == 0 && left > 0;
}

guint
ferry_hands_count_locked (FerryLink *link)
{
  FerryHands *self = link->hands;
  guint n_passed = 0;

  if (self == NULL)
    return 0;
  ferry_lane_writer_look (&link->down, 0);
  while (n_passed < self->under_way->len &&
         g_array_index (self->under_way, FerryHanded, n_passed).record_end <= link->down.head)
    self->n_under_way -= g_array_index (self->under_way, FerryHanded, n_passed++).n_descriptors;
  if (n_passed == 0)
    return self->n_under_way;
  g_array_remove_range (self->under_way, 0, n_passed);
  if (self->under_way->len == 0 && is_something_left (link))
    ferry_link_set_fault_locked (link, "it took messages without the descriptors that belong to them");
  return self->n_under_way;
}

/* Returns 0, or the number of an error. */
static int
send_local (FerryHands *self, const int *descriptors, guint n_descriptors)
{
  GArray *copies = g_array_new (FALSE, FALSE, sizeof (int));
  int error_number;

  for (guint i = 0; i < n_descriptors; i++)
    {
      int copy = fcntl (descriptors[i], F_DUPFD_CLOEXEC, 0);

      if (copy < 0)
        {
          error_number = errno;
          ferry_descriptors_free (copies);
          return error_number;
        }
      g_array_append_val (copies, copy);
    }
  g_queue_push_tail (&self->local, copies);
  return 0;
}

/* Whether the other end is closed, which the monitor hears of, and not only shut for what we send. */
static gboolean
has_hung_up (int control)
{
  struct pollfd poll_fd = {.fd = control, .events = 0};

  return poll (&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLHUP) != 0;
}

static int
send_now (FerryLink *link, const FerryHandful *handful, guint64 record_end)
{
  FerryHanded handed = {record_end, handful->n_descriptors};
  FerryHands *self;
  int error_number;

  if (link->hands == NULL)
    link->hands = hands_new ();
  self = link->hands;
  if (link->local)
    error_number = send_local (self, handful->descriptors, handful->n_descriptors);
  else
    error_number =
      ferry_control_send_hand (link->control, self->n_sent + 1, handful->descriptors, handful->n_descriptors);
  if (error_number == EPIPE && !has_hung_up (link->control))
    ferry_link_set_fault_locked (link, "it shut its control socket down");
  if (error_number != 0)
    return error_number;
  self->n_sent++;
  self->n_under_way += handful->n_descriptors;
  g_array_append_val (self->under_way, handed);
  return 0;
}

/* Whether so many may go down now. Where they may not, the lane's writer is armed, so that the worker's taking some
 * rings. */
static gboolean
may_send (FerryLink *link, guint n)
{
  if (ferry_hands_count_locked (link) + n <= FERRY_MAX_HANDED_PER_LINK)
    return TRUE;
  ferry_lane_writer_arm (&link->down, 0);
  return ferry_hands_count_locked (link) + n <= FERRY_MAX_HANDED_PER_LINK;
}

int
ferry_hands_send_locked (FerryLink *link, const FerryHandful *handful, guint64 record_end)
{
  int error_number;

  if (!may_send (link, handful->n_descriptors))
    return EAGAIN;
  error_number = send_now (link, handful, record_end);
  if (error_number != EAGAIN)
    return error_number;
  ferry_lane_writer_arm (&link->down, 0);
  if (ferry_hands_count_locked (link) > 0)
    return EAGAIN;
  /* Nothing is there to be taken, so that nobody would tell of room. */
  error_number = send_now (link, handful, record_end);
  return error_number == EAGAIN ? ENOBUFS : error_number;
}

gboolean
ferry_hands_take_local (FerryLink *link, guint64 number, GArray *descriptors)
{
  GArray *taken = NULL;

  pthread_mutex_lock (&link->down_lock);
  if (link->hands != NULL && number == link->hands->n_taken + 1)
    taken = g_queue_pop_head (&link->hands->local);
  if (taken != NULL)
    link->hands->n_taken++;
  pthread_mutex_unlock (&link->down_lock);
  if (taken == NULL)
    return FALSE;
  g_array_append_vals (descriptors, taken->data, taken->len);
  g_array_unref (taken);
  return TRUE;
}

/* any: how many packets of descriptors went down. */
guint64
ferry_link_get_n_handed (FerryLink *self)
{
  guint64 n;

  pthread_mutex_lock (&self->down_lock);
  n = self->hands != NULL ? self->hands->n_sent : 0;
  pthread_mutex_unlock (&self->down_lock);
  return n;
}

/* any: how many of those the worker has taken. Once the link has ended, nobody knows, and it is said to be all. */
guint64
ferry_link_get_n_hands_taken (FerryLink *self)
{
  guint64 n = G_MAXUINT64;

  pthread_mutex_lock (&self->down_lock);
  if (!self->down_closed && self->hands != NULL)
    {
      ferry_hands_count_locked (self);
      n = self->hands->n_sent - self->hands->under_way->len;
    }
  pthread_mutex_unlock (&self->down_lock);
  return n;
}
