/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "base/ferry-error.h"

#include "base/ferry-base-private.h"

/* What an error of this domain carries: g_error_copy() copies it, g_prefix_error() leaves it, and it goes with the
 * error.
 *
 * The functions are what G_DEFINE_EXTENDED_ERROR() makes. That would give the domain the name “FerryError”, and its
 * name is part of the protocol. */
typedef struct
{
  GRefString *trace; /* (owned) (nullable) */
} Carried;

/* Carried lies before the error, at GLib's alignment. */
static Carried *
get_carried (const GError *error)
{
  const gsize alignment = 2 * sizeof (gsize);

  g_assert (error->domain == FERRY_ERROR);
  return (gpointer) ((guint8 *) error - ((sizeof (Carried) + alignment - 1) & -alignment));
}

static void
init_carried (GError *error)
{
  get_carried (error)->trace = NULL;
}

static void
copy_carried (const GError *source, GError *copy)
{
  GRefString *trace = get_carried (source)->trace;

  get_carried (copy)->trace = trace != NULL ? g_ref_string_acquire (trace) : NULL;
}

static void
clear_carried (GError *error)
{
  g_clear_pointer (&get_carried (error)->trace, g_ref_string_release);
}

/**
 * ferry_error_quark:
 *
 * The error domain of Ferry, which `FERRY_ERROR` stands for; its codes are [error@Ferry.Error]. Any thread.
 *
 * Returns: the quark
 *
 * Since: 0.1
 */
GQuark
ferry_error_quark (void)
{
  static GQuark quark;
  static gsize registered;

  if (g_once_init_enter (&registered))
    {
      quark = g_error_domain_register_static ("ferry-error-quark", sizeof (Carried), init_carried, copy_carried,
                                              clear_carried);
      g_once_init_leave (&registered, 1);
    }
  return quark;
}

/* GLib has to know that errors of this domain carry something before the first of them is made. A language binding
 * makes one by the domain's name, and need not have called ferry_error_quark(). */
static __attribute__ ((constructor)) void
register_domain (void)
{
  ferry_error_quark ();
}

/* (transfer none) (nullable): error is of FERRY_ERROR. */
GRefString *
ferry_error_get_carried_trace (const GError *error)
{
  return get_carried (error)->trace;
}

/* error is of FERRY_ERROR. */
void
ferry_error_set_carried_trace (GError *error, GRefString *trace)
{
  g_ref_string_acquire (trace);
  clear_carried (error);
  get_carried (error)->trace = trace;
}

gboolean
ferry_set_error (GError **error, FerryError code, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  if (error != NULL)
    g_propagate_error (error, g_error_new_valist (FERRY_ERROR, code, format, arguments));
  va_end (arguments);
  return FALSE;
}

/* Sets a FERRY_ERROR_SYSTEM error that names the call that failed, from errno. Returns FALSE. */
gboolean
ferry_set_system_error (GError **error, const char *what)
{
  int saved_errno = errno;

  g_set_error (error, FERRY_ERROR, FERRY_ERROR_SYSTEM, "%s failed: %s", what, g_strerror (saved_errno));
  errno = saved_errno;
  return FALSE;
}

/* Sets FERRY_ERROR_SYSTEM for a thread that g_thread_try_new() did not start. Takes failure; purpose is what the thread
 * is for. */
gboolean
ferry_set_thread_error (GError **error, const char *purpose, GError *failure)
{
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_SYSTEM,
               "A thread for %s could not be started: %s; end other threads, or raise the limits", purpose,
               failure->message);
  g_error_free (failure);
  return FALSE;
}

/* Whether errno says that the system has too little of something now: the same call may succeed later. */
gboolean
ferry_is_shortage (int error_number)
{
  switch (error_number)
    {
    case EAGAIN:  /* processes and threads, of the user or of a control group */
    case ENOMEM:  /* memory */
    case EMFILE:  /* descriptors of this process */
    case ENFILE:  /* open files of the system */
    case ENOBUFS: /* room in a socket */
    case ENOSPC:  /* what epoll may watch, or a file system */
    case ETXTBSY: /* the program is just being written */
      return TRUE;
    default:
      return FALSE;
    }
}
