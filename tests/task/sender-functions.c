/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "task/sender-functions.h"

#include <ferry.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define LARGE_SIZE 1000000
#define BUFFER_SIZE 100000

static FerrySender *kept;

/* Returns (transfer full) (nullable) the started sender of a handle. */
static FerrySender *
start_sender (FerryJob *job, gint handle, GError **error)
{
  g_autoptr (FerrySender) sender = ferry_job_get_sender (job, handle, error);
  g_autoptr (FerrySender) again = NULL;

  if (sender == NULL || !ferry_sender_start (sender, error))
    return NULL;
  again = ferry_job_get_sender (job, handle, error);
  g_assert_true (again == sender);
  return g_steal_pointer (&sender);
}

static gboolean
send_numbers_to (FerrySender *sender, guint64 n, GError **error)
{
  for (guint64 i = 0; i < n; i++)
    if (!ferry_sender_send_bytes (sender, &i, sizeof i, error))
      return FALSE;
  return TRUE;
}

static GVariant *
send_numbers (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (FerrySender) sender = NULL;
  gint handle;
  guint64 n;

  g_variant_get (arguments, "(ht)", &handle, &n);
  sender = start_sender (job, handle, error);
  if (sender != NULL)
    send_numbers_to (sender, n, error);
  return NULL;
}

static GVariant *
send_and_die (FerryJob *job, GVariant *arguments, GError **error)
{
  send_numbers (job, arguments, error);
  raise (SIGKILL);
  return NULL;
}

static GVariant *
name_error (GError *error)
{
  return g_variant_new_string (error != NULL ? error->message : "no error");
}

static GVariant *
send_until_refused (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (FerrySender) sender = start_sender (job, g_variant_get_handle (arguments), error);
  g_autoptr (GError) refusal = NULL;
  guint64 n = 0;

  if (sender == NULL)
    return NULL;
  while (ferry_sender_send_bytes (sender, &n, sizeof n, &refusal))
    n++;
  return name_error (refusal);
}

static GVariant *
send_large (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (FerrySender) sender = start_sender (job, g_variant_get_handle (arguments), error);
  g_autofree char *bytes = g_malloc0 (LARGE_SIZE);

  if (sender != NULL)
    ferry_sender_send_bytes (sender, bytes, LARGE_SIZE, error);
  return NULL;
}

static gboolean
send_buffer (FerrySender *sender, guint64 number, GError **error)
{
  g_autoptr (FerryBuffer) buffer = ferry_sender_create_buffer (sender, BUFFER_SIZE, error);

  if (buffer == NULL)
    return FALSE;
  memset (ferry_buffer_get_data (buffer, NULL), (int) number, BUFFER_SIZE);
  return ferry_sender_send_buffer (sender, g_variant_new_uint64 (number), buffer, error);
}

static GVariant *
send_buffers (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (FerrySender) sender = NULL;
  gint handle;
  guint64 n;

  g_variant_get (arguments, "(ht)", &handle, &n);
  sender = start_sender (job, handle, error);
  for (guint64 i = 0; sender != NULL && i < n; i++)
    if (!send_buffer (sender, i, error))
      return NULL;
  return NULL;
}

static GVariant *
send_buffers_until_refused (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (FerrySender) sender = start_sender (job, g_variant_get_handle (arguments), error);
  guint64 n = 0;

  while (sender != NULL && send_buffer (sender, n, NULL))
    n++;
  return NULL;
}

static GVariant *
send_in_a_child (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (FerrySender) sender = start_sender (job, g_variant_get_handle (arguments), error);
  int status = 0;
  pid_t pid;

  if (sender == NULL)
    return NULL;
  pid = fork ();
  if (pid == 0)
    {
      g_autoptr (GError) refusal = NULL;

      ferry_sender_send_bytes (sender, "x", 1, &refusal);
      _exit (g_error_matches (refusal, FERRY_ERROR, FERRY_ERROR_NOT_A_WORKER) ? 7 : 1);
    }
  waitpid (pid, &status, 0);
  return g_variant_new_string (WEXITSTATUS (status) == 7 ? "not a worker" : "another end");
}

static GVariant *
keep_sender (FerryJob *job, GVariant *arguments, GError **error)
{
  g_clear_object (&kept);
  kept = start_sender (job, g_variant_get_handle (arguments), error);
  if (kept != NULL)
    send_numbers_to (kept, 1, error);
  return NULL;
}

static GVariant *
keep_new_sender (FerryJob *job, GVariant *arguments, GError **error)
{
  g_clear_object (&kept);
  kept = ferry_job_get_sender (job, g_variant_get_handle (arguments), error);
  return NULL;
}

static GVariant *
use_kept_sender (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (FerrySender) sender = g_steal_pointer (&kept);
  g_autoptr (GError) refusal = NULL;

  if (ferry_sender_start (sender, &refusal))
    return g_variant_new_string ("it was started");
  g_clear_error (&refusal);
  ferry_sender_send_bytes (sender, "x", 1, &refusal);
  return name_error (refusal);
}

static GVariant *
die_at_end (FerryJob *job, GVariant *arguments, GError **error)
{
  int fd = ferry_job_dup_descriptor (job, g_variant_get_handle (arguments), error);
  char byte;

  while (read (fd, &byte, 1) > 0)
    ;
  raise (SIGKILL);
  return NULL;
}

/* ---- breaking the protocol ---- */

/* The descriptors of the welcome, which docs/protocol.md describes, as the offsets here. Returns the link's memory. */
static guint8 *
take_welcome (int socket, int fds[3], gsize *size)
{
  union
  {
    char bytes[CMSG_SPACE (3 * sizeof (int))];
    struct cmsghdr align;
  } control;
  guint64 words[9] = {0};
  struct iovec vector = {words, sizeof words};
  struct msghdr message = {
    .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  gssize n = recvmsg (socket, &message, 0);

  g_assert_cmpint (n, ==, sizeof words);
  memcpy (fds, CMSG_DATA (CMSG_FIRSTHDR (&message)), 3 * sizeof (int));
  *size = words[2];
  return mmap (NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);
}

static void
attach (int socket, gsize segment_size)
{
  struct
  {
    char magic[8];
    guint32 kind, version;
    guint64 segment_size;
    guint32 pid, reserved;
  } packet = {"FERRYLN", 2, 9, segment_size, (guint32) getpid (), 0};

  packet.magic[7] = 'K';
  g_assert_cmpint (send (socket, &packet, sizeof packet, 0), ==, sizeof packet);
}

static GVariant *
send_as_another (FerryJob *job, GVariant *arguments, GError **error)
{
  int socket = ferry_job_dup_descriptor (job, g_variant_get_handle (arguments), error);
  const guint64 one = 1;
  guint64 connection_id;
  guint8 *memory;
  int fds[3];
  gsize size;

  memory = take_welcome (socket, fds, &size);
  attach (socket, size);
  /* The grant's header is the first of the down lane; the record that is forged, the first of the up lane. */
  memcpy (&connection_id, memory + 12288 + 8, sizeof connection_id);
  *(guint64 *) (void *) (memory + 77824) = 1ull << 32;
  *(guint64 *) (void *) (memory + 77824 + 8) = connection_id - 1;
  __atomic_store_n ((guint64 *) (void *) memory, 16, __ATOMIC_SEQ_CST);
  g_assert_cmpint (write (fds[1], &one, sizeof one), ==, sizeof one);
  pause ();
  return NULL;
}

static GVariant *
shut_down (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (FerrySender) sender = start_sender (job, g_variant_get_handle (arguments), error);
  int socket = ferry_job_dup_descriptor (job, g_variant_get_handle (arguments), error);

  send_numbers_to (sender, 3, error);
  shutdown (socket, SHUT_RDWR);
  pause ();
  return NULL;
}

void
sender_functions_register (void)
{
  ferry_function_register ("send-numbers", "(ht)", "", send_numbers);
  ferry_function_register ("send-and-die", "(ht)", "", send_and_die);
  ferry_function_register ("send-until-refused", "h", "s", send_until_refused);
  ferry_function_register ("send-large", "h", "", send_large);
  ferry_function_register ("send-buffers", "(ht)", "", send_buffers);
  ferry_function_register ("send-buffers-until-refused", "h", "", send_buffers_until_refused);
  ferry_function_register ("send-in-a-child", "h", "s", send_in_a_child);
  ferry_function_register ("keep-sender", "h", "", keep_sender);
  ferry_function_register ("keep-new-sender", "h", "", keep_new_sender);
  ferry_function_register ("use-kept-sender", NULL, "s", use_kept_sender);
  ferry_function_register ("die-at-end", "h", "", die_at_end);
  ferry_function_register ("send-as-another", "h", "", send_as_another);
  ferry_function_register ("shut-down", "h", "", shut_down);
}
