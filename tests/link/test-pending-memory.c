/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: link/ferry-pending-memory.c, link/ferry-orphan.c
 *
 * Descriptors that a worker sends, as the application has them until their records come; and how those go that are not
 * wanted. */

#include "config.h"

#include "ferry-test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/ferry-base-private.h"
#include "lane/ferry-one-shot-private.h"
#include "link/ferry-orphan-private.h"
#include "link/ferry-pending-memory-private.h"

#define SIZE ((gsize) 100000)

typedef struct
{
  int application;
  int worker;
  FerryPendingMemory *pending_memory;
  guint n_fds;
} Scene;

static void
set_up (Scene *self, gconstpointer data)
{
  self->n_fds = ferry_test_count_fds ();
  g_assert_true (ferry_control_socket_pair (&self->application, &self->worker, NULL));
  self->pending_memory = ferry_pending_memory_new ();
}

static gboolean
has_so_many_fds (gpointer data)
{
  return ferry_test_count_fds () == *(guint *) data;
}

static void
tear_down (Scene *self, gconstpointer data)
{
  g_clear_pointer (&self->pending_memory, ferry_pending_memory_free);
  ferry_clear_fd (&self->application);
  ferry_clear_fd (&self->worker);
  ferry_test_look_until (has_so_many_fds, &self->n_fds);
}

static int
make_sealed (void)
{
  g_autoptr (GError) error = NULL;
  guint8 *data;
  int fd = ferry_one_shot_create (SIZE, 0, &data, &error);

  g_assert_no_error (error);
  memset (data, 3, SIZE);
  g_assert_true (ferry_one_shot_seal (fd, SIZE, data, SIZE, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (data[SIZE - 1], ==, 3);
  munmap (data, SIZE);
  return fd;
}

/* Offers fd, n times in one packet. */
static void
offer (Scene *self, guint64 number, int fd, guint n)
{
  char control[CMSG_SPACE (200 * sizeof (int))] __attribute__ ((aligned (8))) = {0};
  FerryMemoryPacket packet = {
    .header = {.magic = FERRY_PROTOCOL_MAGIC, .kind = FERRY_CONTROL_MEMORY, .version = FERRY_PROTOCOL_VERSION},
    .number = number,
  };
  struct iovec vector = {&packet, sizeof packet};
  struct msghdr message = {
    .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE (n * sizeof (int))};
  struct cmsghdr *rights = CMSG_FIRSTHDR (&message);

  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN (n * sizeof (int));
  for (guint i = 0; i < n; i++)
    memcpy (CMSG_DATA (rights) + i * sizeof (int), &fd, sizeof fd);
  g_assert_cmpint (sendmsg (self->worker, &message, MSG_NOSIGNAL), ==, sizeof packet);
}

static void
test_taken (Scene *self, gconstpointer data)
{
  ferry_autofd sealed = make_sealed ();
  ferry_autofd taken = -1;
  guint8 *memory;

  g_assert_cmpint (ferry_control_send_memory (self->worker, 1, sealed), ==, 0);
  g_assert_cmpint (ferry_control_send_memory (self->worker, 2, sealed), ==, 0);
  g_assert_cmpint (ferry_pending_memory_receive (self->pending_memory, self->application, NULL), ==,
                   FERRY_CONTROL_TAKEN);
  g_assert_null (ferry_pending_memory_take (self->pending_memory, self->application, 1, &taken));
  g_assert_null (ferry_one_shot_map (taken, SIZE, SIZE, &memory));
  for (gsize i = 0; i < SIZE; i++)
    g_assert_cmpuint (memory[i], ==, 3);
  munmap (memory, SIZE);
  ferry_clear_fd (&taken);
  /* The socket was not looked at yet. */
  g_assert_null (ferry_pending_memory_take (self->pending_memory, self->application, 2, &taken));
  g_assert_cmpint (ferry_pending_memory_receive (self->pending_memory, self->application, NULL), ==,
                   FERRY_CONTROL_NOTHING);
  ferry_clear_fd (&self->worker);
  g_assert_cmpint (ferry_pending_memory_receive (self->pending_memory, self->application, NULL), ==,
                   FERRY_CONTROL_CLOSED);
}

static void
test_closed_with_some (Scene *self, gconstpointer data)
{
  ferry_autofd sealed = make_sealed ();

  for (guint64 number = 1; number <= FERRY_MAX_PENDING_MEMORIES_PER_LINK; number++)
    {
      g_assert_cmpint (ferry_control_send_memory (self->worker, number, sealed), ==, 0);
      g_assert_cmpint (ferry_pending_memory_receive (self->pending_memory, self->application, NULL), ==,
                       FERRY_CONTROL_TAKEN);
    }
  ferry_clear_fd (&self->worker);
  /* An end of the socket is no offer, however many descriptors lie there. */
  g_assert_cmpint (ferry_pending_memory_receive (self->pending_memory, self->application, NULL), ==,
                   FERRY_CONTROL_CLOSED);
}

/* As few descriptors as there are, and some more. */
static void
limit_descriptors (struct rlimit *before, guint n_more)
{
  int highest = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  struct rlimit limit;

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, before), ==, 0);
  limit = *before;
  limit.rlim_cur = (rlim_t) highest + n_more;
  close (highest);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
}

static void
test_truncated (Scene *self, gconstpointer data)
{
  ferry_autofd sealed = make_sealed ();
  g_autoptr (GError) error = NULL;
  FerryControlEvent event;
  struct rlimit before;

  offer (self, 1, sealed, 200);
  limit_descriptors (&before, 50);
  event = ferry_pending_memory_receive (self->pending_memory, self->application, &error);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &before), ==, 0);
  g_assert_cmpint (event, ==, FERRY_CONTROL_INVALID);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
  g_assert_nonnull (strstr (error->message, "truncated"));
}

static void
test_fault_is_the_sockets (Scene *self, gconstpointer data)
{
  ferry_autofd sealed = make_sealed ();
  const char *fault;
  int fd = -1;

  offer (self, 1, sealed, 2);
  fault = ferry_pending_memory_take (self->pending_memory, self->application, 1, &fd);
  g_assert_nonnull (fault);
  g_assert_nonnull (strstr (fault, "descriptors; it must send one"));
  g_assert_cmpint (fd, ==, -1);
}

static void
test_shrinks_before_it_is_sealed (void)
{
  g_autoptr (GError) error = NULL;
  guint8 *data;
  guint8 *memory;
  ferry_autofd fd = ferry_one_shot_create (SIZE, 0, &data, &error);

  memset (data, 4, SIZE);
  g_assert_true (ferry_one_shot_seal (fd, 10, data, SIZE, &error));
  g_assert_no_error (error);
  g_assert_nonnull (ferry_one_shot_map (fd, SIZE, SIZE, &memory));
  g_assert_null (ferry_one_shot_map (fd, 10, SIZE, &memory));
  munmap (memory, 10);
  munmap (data, SIZE);
}

/* Something else could still write to it: then it is not sealed, and stays as it is. */
static void
test_mapped_elsewhere (void)
{
  g_autoptr (GError) error = NULL;
  guint8 *data;
  guint8 *other;
  ferry_autofd fd = ferry_one_shot_create (SIZE, 0, &data, &error);

  other = mmap (NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  g_assert_true (other != MAP_FAILED);
  g_assert_false (ferry_one_shot_seal (fd, SIZE, data, SIZE, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_SYSTEM);
  memset (data, 8, SIZE);
  g_assert_cmpuint (other[SIZE - 1], ==, 8);
  munmap (other, SIZE);
  munmap (data, SIZE);
}

static void
test_larger_than_files_may_be (void)
{
  struct rlimit before;
  struct rlimit limit;
  g_autoptr (GError) error = NULL;
  guint8 *data;

  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);
  limit = before;
  limit.rlim_cur = SIZE - 1;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  g_assert_cmpint (ferry_one_shot_create (SIZE, 0, &data, &error), ==, -1);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
}

/* ---- what nobody wants ---- */

#define LINGER_SECONDS FERRY_TEST_TIMEOUT_SECONDS

/* A connection that takes its time to be closed: it waits for what the other end never reads. */
static int
make_lingering (int *other)
{
  struct linger linger = {.l_onoff = 1, .l_linger = LINGER_SECONDS};
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl (INADDR_LOOPBACK)}};
  socklen_t length = sizeof address;
  ferry_autofd listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  static const char zeros[65536];

  if (bind (listener, (struct sockaddr *) &address, length) < 0 || listen (listener, 1) < 0 ||
      getsockname (listener, (struct sockaddr *) &address, &length) < 0 ||
      connect (fd, (struct sockaddr *) &address, length) < 0)
    g_error ("no connection: %s", g_strerror (errno));
  *other = accept4 (listener, NULL, NULL, SOCK_CLOEXEC);
  g_assert_cmpint (setsockopt (fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), ==, 0);
  while (send (fd, zeros, sizeof zeros, MSG_DONTWAIT) > 0)
    ;
  return fd;
}

static gboolean
is_closed (gpointer data)
{
  return fcntl (*(int *) data, F_GETFD) < 0;
}

static void
test_orphan_lingers (void)
{
  ferry_autofd other = -1;
  int fd = make_lingering (&other);
  gint64 begun = g_get_monotonic_time ();

  ferry_orphan_close (fd);
  g_assert_cmpint (g_get_monotonic_time () - begun, <, LINGER_SECONDS * G_USEC_PER_SEC / 2);
  /* The next test counts, and the number is free before the lingering begins. */
  ferry_test_look_until (is_closed, &fd);
}

/* It was not received: it lies in a socket that is closed. */
static void
test_orphan_lies_in_a_socket (Scene *self, gconstpointer data)
{
  ferry_autofd other = -1;
  int fd = make_lingering (&other);
  gint64 begun;

  offer (self, 1, fd, 1);
  /* Not the last descriptor: that does not wait. */
  close (fd);
  ferry_clear_fd (&self->worker);
  begun = g_get_monotonic_time ();
  ferry_orphan_close (ferry_steal_fd (&self->application));
  g_assert_cmpint (g_get_monotonic_time () - begun, <, LINGER_SECONDS * G_USEC_PER_SEC / 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* It has a descriptor of its own, and is wanted where a test waits for the number of them. */
  g_main_context_default ();

#define ADD(name, test) g_test_add ("/offers/" name, Scene, NULL, set_up, test, tear_down)
  ADD ("are-taken-in-order-whoever-looked-first", test_taken);
  ADD ("are-closed-where-their-records-never-come", test_closed_with_some);
  ADD ("that-were-truncated-are-refused", test_truncated);
  ADD ("that-are-refused-say-why-when-their-record-comes", test_fault_is_the_sockets);
  g_test_add_func ("/one-shot/shrinks-before-it-is-sealed", test_shrinks_before_it_is_sealed);
  g_test_add_func ("/one-shot/is-not-sealed-where-it-is-mapped-elsewhere", test_mapped_elsewhere);
  g_test_add_func ("/one-shot/is-not-larger-than-files-may-be", test_larger_than_files_may_be);
  g_test_add_func ("/orphans/linger-without-anybody-waiting", test_orphan_lingers);
  g_test_add ("/orphans/in-a-socket-linger-without-anybody-waiting", Scene, NULL, set_up, test_orphan_lies_in_a_socket,
              tear_down);

  return g_test_run ();
}
