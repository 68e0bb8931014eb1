/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: link/ferry-confinement.c
 *
 * What a worker says of its sandbox, told by the test in its place: rightly, falsely, and with what it must not send.
 */

#include "config.h"

#include <string.h>
#include <sys/socket.h>

#include "base/ferry-base-private.h"
#include "descriptor-array.h"
#include "ferry-test.h"
#include "link/ferry-link-private.h"

#define CAPACITY (128 * 1024)

static FerryLink *
make_link (guint32 required, guint32 given, gboolean wrapped)
{
  guint64 connection_id = 1;
  guint32 no_cell = FERRY_NO_CELL;
  g_autoptr (GError) error = NULL;
  FerryLink *link = ferry_link_new ("test", &connection_id, &no_cell, 1, CAPACITY, 0, 1000000, &error);

  g_assert_no_error (error);
  ferry_link_open_socket (link, &error);
  g_assert_no_error (error);
  link->confinement.required = required;
  link->confinement.given = given;
  link->confinement.wrapped = wrapped;
  ferry_confinement_begin (link);
  g_assert_true (link->confinement.awaited);
  g_assert_cmpuint (link->confinement.layers, ==, given);
  return link;
}

static FerryControlEvent
receive (FerryLink *link, const char *words)
{
  g_autoptr (GArray) descriptors = descriptor_array_new ();
  g_autoptr (GError) error = NULL;
  FerryControlEvent event = ferry_confinement_receive (link, descriptors, &error);

  g_assert_true ((event == FERRY_CONTROL_INVALID) == (error != NULL));
  if (words != NULL)
    {
      g_assert_nonnull (error);
      g_assert_nonnull (strstr (error->message, words));
    }
  return event;
}

static void
send_bytes (FerryLink *link, gconstpointer data, gsize size)
{
  g_assert_cmpint (send (link->worker_end, data, size, MSG_DONTWAIT), ==, size);
}

static void
send_report (FerryLink *link, guint32 layers, guint32 landlock_errno, guint32 filter_errno)
{
  FerryConfined report = {.layers = layers, .landlock_errno = landlock_errno, .filter_errno = filter_errno};

  g_assert_cmpint (
    ferry_control_send (link->worker_end, FERRY_CONTROL_CONFINED, &report, sizeof report, NULL, 0, MSG_DONTWAIT), ==,
    0);
}

static void
test_takes_the_worker_s_own_layers_and_no_others (void)
{
  g_autoptr (FerryLink) link = make_link (FERRY_LAYER_LANDLOCK, FERRY_LAYER_LIMITS, FALSE);

  g_assert_cmpint (receive (link, NULL), ==, FERRY_CONTROL_NOTHING);
  send_report (link, G_MAXUINT32, 0, 0);
  g_assert_cmpint (receive (link, NULL), ==, FERRY_CONTROL_TAKEN);
  g_assert_cmpuint (link->confinement.layers, ==, FERRY_LAYER_LIMITS | FERRY_LAYERS_OF_WORKER);
  g_assert_false (link->confinement.awaited);
}

static void
test_ends_who_has_less_than_is_required (void)
{
  g_autoptr (FerryLink) link = make_link (FERRY_LAYER_LANDLOCK | FERRY_LAYER_SYSTEM_CALLS, 0, FALSE);

  send_report (link, FERRY_LAYER_SYSTEM_CALLS, ENOSYS, 0);
  g_assert_cmpint (receive (link, "Landlock (Landlock: Function not implemented)"), ==, FERRY_CONTROL_INVALID);
  g_assert_cmpint (link->cause, ==, FERRY_CLOSE_REASON_LAUNCH_FAILED);
  g_assert_nonnull (strstr (link->detail, "Landlock"));
}

static void
test_believes_no_number_of_an_error (void)
{
  g_autoptr (FerryLink) link = make_link (FERRY_LAYER_SYSTEM_CALLS, 0, FALSE);

  send_report (link, 0, G_MAXUINT32, G_MAXINT32 + 1u);
  g_assert_cmpint (receive (link, "the filter of system calls; "), ==, FERRY_CONTROL_INVALID);
}

/* What is no report is left for where it is taken otherwise. Where it is of another version, that is said there, before
 * what the worker lacks. */
static void
assert_left (guint32 required, gconstpointer data, gsize size)
{
  g_autoptr (FerryLink) link = make_link (required, FERRY_LAYER_LIMITS, TRUE);
  gboolean is_foreign = ferry_control_is_foreign (data, size);
  guint8 bytes[64] = {0};

  send_bytes (link, data, size);
  g_assert_cmpint (receive (link, NULL), ==, required == 0 || is_foreign ? FERRY_CONTROL_TAKEN : FERRY_CONTROL_INVALID);
  g_assert_false (link->confinement.awaited);
  g_assert_cmpuint (link->confinement.layers, ==, FERRY_LAYER_LIMITS);
  g_assert_cmpint (recv (link->control, bytes, sizeof bytes, MSG_DONTWAIT), ==, size);
}

static void
test_leaves_what_is_no_report (void)
{
  FerryConfined packets[2] = {{.header = {.kind = FERRY_CONTROL_CONFINED, .version = FERRY_PROTOCOL_VERSION}}};

  memcpy (packets[0].header.magic, FERRY_PROTOCOL_MAGIC, 8);
  packets[0].layers = FERRY_LAYERS_OF_WORKER;
  assert_left (0, packets, sizeof packets[0] - 1);
  assert_left (0, packets, sizeof packets[0] + 1);
  assert_left (FERRY_LAYER_LANDLOCK, packets, 3);
  packets[0].header.version++;
  assert_left (FERRY_LAYER_LANDLOCK, packets, sizeof packets[0]);
  packets[0].header.version--;
  packets[0].header.kind = FERRY_CONTROL_ATTACH;
  assert_left (0, packets, sizeof packets[0]);
  assert_left (FERRY_LAYER_LANDLOCK, packets, sizeof packets[0]);
  packets[0].header.kind = FERRY_CONTROL_CONFINED;
  packets[0].header.magic[0] = 'X';
  assert_left (FERRY_LAYER_LANDLOCK, packets, sizeof packets[0]);
}

static void
send_with_descriptor (FerryLink *link)
{
  union
  {
    char bytes[CMSG_SPACE (sizeof (int))];
    struct cmsghdr align;
  } control = {0};
  FerryConfined packet = {.header = {.kind = FERRY_CONTROL_CONFINED, .version = FERRY_PROTOCOL_VERSION}};
  struct iovec vector = {.iov_base = &packet, .iov_len = sizeof packet};
  struct msghdr message = {
    .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  struct cmsghdr *rights = CMSG_FIRSTHDR (&message);

  memcpy (packet.header.magic, FERRY_PROTOCOL_MAGIC, 8);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN (sizeof (int));
  memcpy (CMSG_DATA (rights), &link->worker_end, sizeof (int));
  g_assert_cmpint (sendmsg (link->worker_end, &message, MSG_DONTWAIT), ==, sizeof packet);
}

static void
test_takes_no_descriptor (gconstpointer wrapped)
{
  g_autoptr (FerryLink) link = make_link (0, 0, GPOINTER_TO_INT (wrapped));
  guint before = ferry_test_count_fds ();

  send_with_descriptor (link);
  g_assert_cmpint (receive (link, "descriptors"), ==, FERRY_CONTROL_INVALID);
  g_assert_cmpuint (ferry_test_count_fds (), ==, before);
}

/* The test sends it itself, and is no descendant of its own. */
static void
test_signals_nobody_that_it_did_not_start (void)
{
  g_autoptr (FerryLink) link = make_link (0, FERRY_LAYER_NAMESPACES, TRUE);

  link->process.pid = getpid ();
  send_report (link, 0, 0, 0);
  g_assert_cmpint (receive (link, NULL), ==, FERRY_CONTROL_TAKEN);
  g_assert_cmpint (link->confinement.pidfd, ==, -1);
  g_assert_cmpint (link->confinement.pid, ==, 0);
}

static void
test_hears_of_a_hang_up (void)
{
  g_autoptr (FerryLink) link = make_link (0, 0, FALSE);

  ferry_clear_fd (&link->worker_end);
  g_assert_cmpint (receive (link, NULL), ==, FERRY_CONTROL_CLOSED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/confinement/takes-the-worker-s-own-layers-and-no-others",
                   test_takes_the_worker_s_own_layers_and_no_others);
  g_test_add_func ("/confinement/ends-who-has-less-than-is-required", test_ends_who_has_less_than_is_required);
  g_test_add_func ("/confinement/believes-no-number-of-an-error", test_believes_no_number_of_an_error);
  g_test_add_func ("/confinement/leaves-what-is-no-report", test_leaves_what_is_no_report);
  g_test_add_data_func ("/confinement/takes-no-descriptor", GINT_TO_POINTER (FALSE), test_takes_no_descriptor);
  g_test_add_data_func ("/confinement/takes-no-descriptor-beside-credentials", GINT_TO_POINTER (TRUE),
                        test_takes_no_descriptor);
  g_test_add_func ("/confinement/signals-nobody-that-it-did-not-start", test_signals_nobody_that_it_did_not_start);
  g_test_add_func ("/confinement/hears-of-a-hang-up", test_hears_of_a_hang_up);
  return g_test_run ();
}
