/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Channels with workers that are started for them, at the worker's end: its functions, and serving the channel.
 *
 * Threads: functions may be registered on any thread; the process' first thread serves the channel. */

#include "config.h"

#include <stdlib.h>
#include <sysexits.h>

#include "base/ferry-base-private.h"
#include "call/ferry-link-transport-private.h"
#include "conversation/ferry-channel-private.h"
#include "job/ferry-function-private.h"
#include "job/ferry-worker-main-private.h"

#define ORDER_TYPE "(smv)"

GVariant *
ferry_channel_order_new (const char *function, GVariant *arguments)
{
  return g_variant_new (ORDER_TYPE, function, arguments);
}

/**
 * ferry_channel_function_register: (skip)
 * @name: the name by which [func@Ferry.Channel.start] asks for the function, 1 to 255 bytes
 * @arguments_type: (nullable): the type string of its arguments; %NULL: any arguments, or none; the empty
 *   string: none
 * @function: (scope forever): the function
 *
 * Registers a function under a name, for [func@Ferry.Channel.start]. Must be called before [func@Ferry.Worker.main],
 * which runs the function in the worker. These names are separate from the names of [func@Ferry.function_register]. A
 * function may be registered again, but its name cannot be given to another function. Any thread.
 */
void
ferry_channel_function_register (const char *name, const char *arguments_type, FerryChannelFunction function)
{
  ferry_function_add (G_STRFUNC, FERRY_FUNCTION_OF_CHANNELS,
                      &(FerryFunctionEntry){(char *) name, (char *) arguments_type, (char *) "",
                                            (FerryFunction) G_CALLBACK (function), NULL, NULL, NULL});
}

/**
 * ferry_channel_function_register_full: (rename-to ferry_channel_function_register)
 * @name: the name by which [func@Ferry.Channel.start] asks for the function, 1 to 255 bytes
 * @arguments_type: (nullable): the type string of its arguments; %NULL: any arguments, or none; the empty
 *   string: none
 * @function: (scope notified) (closure user_data) (destroy destroy): the function
 * @user_data: (nullable): data for @function
 * @destroy: (nullable): called with @user_data if the name is taken; a function that is registered stays until the
 *   process ends
 *
 * Registers a function with data of its own, as [func@Ferry.Channel.function_register] does without. This is the form
 * for languages with closures as functions. Any thread.
 */
void
ferry_channel_function_register_full (const char *name, const char *arguments_type, FerryChannelFunctionFull function,
                                      gpointer user_data, GDestroyNotify destroy)
{
  ferry_function_add (G_STRFUNC, FERRY_FUNCTION_OF_CHANNELS,
                      &(FerryFunctionEntry){(char *) name, (char *) arguments_type, (char *) "", NULL,
                                            (FerryFunctionFull) G_CALLBACK (function), user_data, destroy});
}

static gboolean
run_function (const FerryFunctionEntry *entry, FerryChannel *channel, GVariant *arguments, GError **error)
{
  return entry->function != NULL ? ((FerryChannelFunction) G_CALLBACK (entry->function)) (channel, arguments, error)
                                 : ((FerryChannelFunctionFull) G_CALLBACK (entry->function_full)) (
                                     channel, arguments, entry->user_data, error);
}

static gboolean
run (FerryChannel *channel, GVariant *order, GError **error)
{
  g_autoptr (GVariant) arguments = NULL;
  const char *name;
  const FerryFunctionEntry *entry;

  if (!g_variant_is_of_type (order, G_VARIANT_TYPE (ORDER_TYPE)))
    return ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                            "The application sent a value of type '%s' instead of a function to run; start the worker "
                            "with ferry_channel_start()",
                            g_variant_get_type_string (order));
  g_variant_get (order, "(&smv)", &name, &arguments);
  entry = ferry_function_find_kind (FERRY_FUNCTION_OF_CHANNELS, name);
  if (entry == NULL)
    return ferry_set_error (error, FERRY_ERROR_UNKNOWN_FUNCTION,
                            "The worker's program has no channel function '%s'; register it with "
                            "ferry_channel_function_register() before ferry_worker_main()",
                            name);
  ferry_channel_set_job (channel, name, arguments);
  return ferry_function_check_arguments (entry, arguments, error) && run_function (entry, channel, arguments, error);
}

static int
converse (FerryChannel *channel)
{
  g_autoptr (GVariant) order = NULL;
  g_autoptr (GError) error = NULL;

  /* The application has ended, or has closed the channel without an order. */
  if (!ferry_channel_receive (channel, -1, NULL, &order, NULL, NULL) || order == NULL)
    return EXIT_SUCCESS;
  if (run (channel, order, &error))
    {
      ferry_channel_close (channel);
      return EXIT_SUCCESS;
    }
  if (error == NULL)
    error = g_error_new (FERRY_ERROR, FERRY_ERROR_BAD_RESULT,
                         "Function '%s' returned FALSE without an error; set an error in the function",
                         ferry_channel_get_function (channel));
  ferry_channel_fail (channel, error);
  return EXIT_FAILURE;
}

static int
serve (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTransport) transport = ferry_worker_get_transport (FERRY_CHANNEL_TRANSPORT, &error);
  g_autoptr (FerryChannel) channel = NULL;
  int status;

  if (transport == NULL)
    {
      g_printerr ("%s: %s\n", program_invocation_short_name, error->message);
      return EX_PROTOCOL;
    }
  channel = ferry_channel_new (transport);
  status = converse (channel);
  ferry_channel_wait_end_sent (channel);
  /* Closes the transport after everything was sent. */
  ferry_transport_close (transport);
  return status;
}

/* The task folder must not depend on channels, so this file registers its server with ferry_worker_main() itself. */
static __attribute__ ((constructor)) void
register_server (void)
{
  ferry_worker_main_set_server (FERRY_CHANNEL_TRANSPORT, serve);
}
