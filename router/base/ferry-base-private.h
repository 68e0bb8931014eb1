/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Small helpers that every layer shares. */

#pragma once

#include <errno.h>
#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/ferry-error.h"

G_BEGIN_DECLS

#define FERRY_MICROSECONDS_PER_MILLISECOND 1000

/* Sets an error of FERRY_ERROR. Returns FALSE. */
gboolean ferry_set_error (GError **error, FerryError code, const char *format, ...) G_GNUC_PRINTF (3, 4);
gboolean ferry_set_system_error (GError **error, const char *what);
gboolean ferry_set_thread_error (GError **error, const char *purpose, GError *failure);
gboolean ferry_is_shortage (int error_number);
/* Whether so many descriptors could be opened, up to 8. GLib ends the program where a main context, or a cancellable
 * that is waited for, gets none: so this is asked before one is made. Other threads may take them all the same in
 * between. FERRY_ERROR_SYSTEM. */
gboolean ferry_check_free_fds (guint n, GError **error);
/* The bytes of the machine's memory, and not more than a control group allows. */
guint64 ferry_get_usable_memory (void);

/* The trace that an error of FERRY_ERROR carries: see call/ferry-remote-error-private.h, which knows of other domains.
 */
GRefString *ferry_error_get_carried_trace (const GError *error);
void ferry_error_set_carried_trace (GError *error, GRefString *trace);

/* A mistake of the program, for which g_test_expect_message() waits as for those of g_return_if_fail(). */
#define ferry_critical(...) g_log (G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL, __VA_ARGS__)

/* As g_return_if_fail(), where the expression would say in names of this library's inside what the program did wrong.
 * For public functions: the message begins with the name of the function, and says what is wrong and what to do. */
#define ferry_return_if_fail(expression, format, ...)                                                                  \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    if (G_UNLIKELY (!(expression)))                                                                                    \
      {                                                                                                                \
        ferry_critical ("%s(): " format, G_STRFUNC, ##__VA_ARGS__);                                                    \
        return;                                                                                                        \
      }                                                                                                                \
  }                                                                                                                    \
  G_STMT_END
#define ferry_return_val_if_fail(expression, value, format, ...)                                                       \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    if (G_UNLIKELY (!(expression)))                                                                                    \
      {                                                                                                                \
        ferry_critical ("%s(): " format, G_STRFUNC, ##__VA_ARGS__);                                                    \
        return value;                                                                                                  \
      }                                                                                                                \
  }                                                                                                                    \
  G_STMT_END

/* For a function that takes a floating value, and only borrows others. Returns (transfer full) (nullable): value if it
 * was floating, to be dropped at the end. */
static inline GVariant *
ferry_variant_take_floating (GVariant *value)
{
  return value != NULL && g_variant_is_floating (value) ? g_variant_ref_sink (value) : NULL;
}

/* Adds microseconds to a monotonic time, saturating at G_MAXINT64. */
static inline gint64
ferry_time_add (gint64 time, gint64 microseconds)
{
  return microseconds > G_MAXINT64 - time ? G_MAXINT64 : time + microseconds;
}

/* The monotonic time at which a timeout from now is over: G_MAXINT64, which is never, for one that is negative. */
static inline gint64
ferry_deadline_after (gint64 timeout)
{
  return timeout < 0 ? G_MAXINT64 : ferry_time_add (g_get_monotonic_time (), timeout);
}

/* A deadline of requests, where 0 is for none, as one of completions, where G_MAXINT64 is. */
static inline gint64
ferry_deadline_or_never (gint64 deadline)
{
  return deadline > 0 ? deadline : G_MAXINT64;
}

/* Whether the caller is called by a source of the context. What it waits for would come through the same loop: sources
 * that are being dispatched are not dispatched again. */
static inline gboolean
ferry_is_in_callback_of (GMainContext *context)
{
  GSource *source = g_main_current_source ();

  return source != NULL && g_source_get_context (source) == context;
}

/* How many bytes there are from size to the next multiple of 8. */
static inline gsize
ferry_padding_of (gsize size)
{
  return -size & 7;
}

/* Numbers of what is sent or kept as bytes: little-endian, and not aligned. */
static inline guint32
ferry_read_u32 (const guint8 *data)
{
  guint32 number;

  memcpy (&number, data, sizeof number);
  return GUINT32_FROM_LE (number);
}

static inline void
ferry_write_u32 (guint8 *data, guint32 number)
{
  number = GUINT32_TO_LE (number);
  memcpy (data, &number, sizeof number);
}

static inline void
ferry_clear_fd (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

static inline int
ferry_steal_fd (int *fd)
{
  int stolen = *fd;

  *fd = -1;
  return stolen;
}

#define ferry_autofd __attribute__ ((cleanup (ferry_clear_fd))) int

static inline pthread_mutex_t *
ferry_lock (pthread_mutex_t *lock)
{
  pthread_mutex_lock (lock);
  return lock;
}

static inline void
ferry_unlock (pthread_mutex_t **lock)
{
  pthread_mutex_unlock (*lock);
}

/* Locks until the end of the block. A variable that is declared before it is cleaned up without the lock. */
#define FERRY_AUTO_LOCK(lock)                                                                                          \
  __attribute__ ((cleanup (ferry_unlock), unused)) pthread_mutex_t *G_PASTE (ferry_locked_, __LINE__) =                \
    ferry_lock (lock)

/* Adds a reference to an object to which the caller refers already. */
static inline void
ferry_ref_count_inc (_Atomic gint *references)
{
  /* Relaxed: the caller's own reference keeps the object. */
  atomic_fetch_add_explicit (references, 1, memory_order_relaxed);
}

/* Drops a reference. Returns whether it was the last one. */
static inline gboolean
ferry_ref_count_dec (_Atomic gint *references)
{
  /* Releases what this thread did with the object; acquires what other threads did, for the one that frees it. */
  return atomic_fetch_sub_explicit (references, 1, memory_order_acq_rel) == 1;
}

/* ThreadSanitizer knows pthread calls and C11 atomics, but not the futexes inside GLib's queue and locks.
 * Where ownership of a structure crosses threads through GLib, the two ends say so with these; in an ordinary
 * build they are nothing. */
#if defined(__SANITIZE_THREAD__)
#define FERRY_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FERRY_THREAD_SANITIZER 1
#endif
#endif

#ifdef FERRY_THREAD_SANITIZER
void __tsan_acquire (void *address);
void __tsan_release (void *address);
#define ferry_hand_over(pointer) __tsan_release (pointer)
#define ferry_take_over(pointer) __tsan_acquire (pointer)
#else
#define ferry_hand_over(pointer) ((void) (pointer))
#define ferry_take_over(pointer) ((void) (pointer))
#endif

/* For frequent messages: g_debug() makes its text before it finds out whether it is wanted, which takes a microsecond.
 */
#define ferry_debug_often(...)                                                                                         \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    if (!g_log_writer_default_would_drop (G_LOG_LEVEL_DEBUG, G_LOG_DOMAIN))                                            \
      g_debug (__VA_ARGS__);                                                                                           \
  }                                                                                                                    \
  G_STMT_END

G_END_DECLS
