/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The window of preferences: what the demo keeps of how it is used. */

#include "app/ferry-demo-preferences.h"

#include "app/ferry-demo-session.h"

#define GROUP "preferences"

static char *
get_path (void)
{
  return g_build_filename (g_get_user_config_dir (), "ferry-demo.ini", NULL);
}

void
ferry_demo_preferences_load (FerryDemoPreferences *self)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *path = get_path ();

  *self = (FerryDemoPreferences){.sandbox = FERRY_SANDBOX_POLICY_PREFERRED};
  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, NULL))
    return;
  self->n_workers = (guint) CLAMP (g_key_file_get_integer (file, GROUP, "workers", NULL), 0, FERRY_DEMO_MAX_WORKERS);
  if (g_key_file_has_key (file, GROUP, "sandbox", NULL))
    self->sandbox = (FerrySandboxPolicy) CLAMP (g_key_file_get_integer (file, GROUP, "sandbox", NULL),
                                                FERRY_SANDBOX_POLICY_REQUIRED, FERRY_SANDBOX_POLICY_OFF);
}

gboolean
ferry_demo_preferences_save (const FerryDemoPreferences *self, GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *path = get_path ();

  g_key_file_set_integer (file, GROUP, "workers", (int) self->n_workers);
  g_key_file_set_integer (file, GROUP, "sandbox", (int) self->sandbox);
  g_mkdir_with_parents (g_get_user_config_dir (), 0700);
  return g_key_file_save_to_file (file, path, error);
}

/* ---- the window ---- */

static void
changed_cb (GtkBuilder *builder)
{
  FerryPool *pool = g_object_get_data (G_OBJECT (builder), "pool");
  FerryDemoPreferences preferences;
  g_autoptr (GError) error = NULL;
  double n_workers;

  g_object_get (gtk_builder_get_object (builder, "workers"), "value", &n_workers, NULL);
  g_object_get (gtk_builder_get_object (builder, "sandbox"), "selected", &preferences.sandbox, NULL);
  preferences.n_workers = (guint) n_workers;
  ferry_pool_set_max_workers (pool, preferences.n_workers);
  if (!ferry_demo_preferences_save (&preferences, &error))
    g_object_set (gtk_builder_get_object (builder, "group"), "description", error->message, NULL);
}

GtkWindow *
ferry_demo_preferences_window_new (GtkWindow *parent, FerryPool *pool)
{
  GtkBuilder *builder = gtk_builder_new_from_resource ("/org/ferryproject/Demo/ferry-demo-preferences.ui");
  GtkWindow *window = GTK_WINDOW (gtk_builder_get_object (builder, "window"));
  GObject *workers = gtk_builder_get_object (builder, "workers");
  GObject *sandbox = gtk_builder_get_object (builder, "sandbox");
  FerryDemoPreferences preferences;
  guint max_workers;

  ferry_demo_preferences_load (&preferences);
  g_object_get (pool, "max-workers", &max_workers, NULL);
  g_object_set (workers, "value", (double) max_workers, NULL);
  g_object_set (sandbox, "selected", (guint) preferences.sandbox, NULL);
  g_object_set_data_full (G_OBJECT (builder), "pool", g_object_ref (pool), g_object_unref);
  g_signal_connect_swapped (workers, "notify::value", G_CALLBACK (changed_cb), builder);
  g_signal_connect_swapped (sandbox, "notify::selected", G_CALLBACK (changed_cb), builder);
  g_object_set_data_full (G_OBJECT (window), "builder", builder, g_object_unref);
  gtk_window_set_transient_for (window, parent);
  return window;
}
