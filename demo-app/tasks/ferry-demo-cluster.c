/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hosts of a cluster on this machine, which the page of tasks starts and stops. */

#include "tasks/ferry-demo-cluster.h"

#include <adwaita.h>
#include <ferry-cluster.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <stdlib.h>

#include "app/ferry-demo-format.h"

#define APPLICATION "ferry-demo"
#define SERVER "server"
#define CLUSTER_KEY "ferry-demo-cluster"

/* A user that has killed a host does not want to wait long. */
#define CUT_TIMEOUT ((gint64) 5 * G_USEC_PER_SEC)

FerryRunner *
ferry_demo_cluster_new (FerryRouter *router, const char *url, GError **error)
{
  FerryCluster *cluster = ferry_cluster_new (router, url, APPLICATION);

  g_object_set (cluster, "cut-timeout", CUT_TIMEOUT, NULL);
  return FERRY_RUNNER (cluster);
}

gboolean
ferry_demo_cluster_connect (FerryRunner *cluster, GError **error)
{
  return ferry_cluster_open (FERRY_CLUSTER (cluster), error);
}

void
ferry_demo_cluster_close (FerryRunner *cluster)
{
  ferry_cluster_close (FERRY_CLUSTER (cluster));
}

/* ---- killing ---- */

static char *
get_pid_path (const char *name)
{
  const char *folder = g_getenv ("FERRY_DEMO_PROCESSES");
  g_autofree char *file = g_strconcat (name, ".pid", NULL);

  return folder != NULL ? g_build_filename (folder, file, NULL) : NULL;
}

/* 0 where it may not be killed from here. */
static GPid
find_process (const char *name)
{
  g_autofree char *path = get_pid_path (name);
  g_autofree char *text = NULL;
  GPid pid;

  if (path == NULL || !g_file_get_contents (path, &text, NULL, NULL))
    return 0;
  pid = atoi (text);
  return pid > 1 ? pid : 0;
}

static void
kill_cb (GtkButton *button, AdwPreferencesRow *row)
{
  GPid pid = find_process (adw_preferences_row_get_title (row));

  if (pid == 0 || kill (pid, SIGKILL) < 0)
    gtk_widget_error_bell (GTK_WIDGET (button));
}

/* ---- a row of the list ---- */

/* A process may have been started since the row was made. */
static void
row_shown_cb (AdwPreferencesRow *row, GtkWidget *button)
{
  gtk_widget_set_visible (button, find_process (adw_preferences_row_get_title (row)) > 0);
}

static AdwActionRow *
make_row (const char *name)
{
  AdwActionRow *row = g_object_new (ADW_TYPE_ACTION_ROW, "title", name, NULL);
  GtkWidget *button = gtk_button_new_with_label (_ ("Stop"));
  g_autofree char *tooltip = g_strdup_printf (_ ("Stop %s, as a power failure would"), name);

  gtk_widget_set_tooltip_text (button, tooltip);
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  g_signal_connect (row, "map", G_CALLBACK (row_shown_cb), button);
  g_signal_connect (button, "clicked", G_CALLBACK (kill_cb), row);
  adw_action_row_add_suffix (row, button);
  return row;
}

static void
show_host (FerryHost *host, GParamSpec *pspec, AdwActionRow *row)
{
  static const char *const states[] = {
    [FERRY_HOST_STATE_PRESENT] = N_ ("there"),
    [FERRY_HOST_STATE_DRAINING] = N_ ("ends"),
    [FERRY_HOST_STATE_SILENT] = N_ ("not heard"),
    [FERRY_HOST_STATE_LOST] = N_ ("lost"),
  };
  g_autofree char *workers = ferry_demo_format_counted (
    ferry_host_get_n_workers (host), ngettext ("%s worker", "%s workers", ferry_host_get_n_workers (host)));
  g_autofree char *text =
    g_strdup_printf (_ ("%s, %u of %s busy, %.1f ms away"), _ (states[ferry_host_get_state (host)]),
                     ferry_host_get_n_busy (host), workers, (double) ferry_host_get_round_trip (host) / 1000.0);

  g_autofree char *version = NULL;
  g_autofree char *program = NULL;
  g_autofree char *all = NULL;

  g_object_get (host, "program-version", &version, NULL);
  /* Translators: behind the state of a host: "there, 1 of 2 workers busy, 0.4 ms away, version 0.2.0". */
  program = version != NULL ? g_strdup_printf (_ ("version %s"), version) : NULL;
  all = g_strjoin (", ", text, program, NULL);
  adw_action_row_set_subtitle (row, all);
}

static GtkWidget *
make_host_row (gpointer item, gpointer user_data)
{
  FerryHost *host = item;
  AdwActionRow *row = make_row (ferry_host_get_name (host));

  g_signal_connect_object (host, "notify", G_CALLBACK (show_host), row, 0);
  show_host (host, NULL, row);
  return GTK_WIDGET (row);
}

/* ---- the server, and the button ---- */

static void
show_server (FerryCluster *cluster, GParamSpec *pspec, AdwActionRow *row)
{
  static const char *const states[] = {
    [FERRY_CLUSTER_STATE_CLOSED] = N_ ("closed"),
    [FERRY_CLUSTER_STATE_CONNECTING] = N_ ("connecting"),
    [FERRY_CLUSTER_STATE_CONNECTED] = N_ ("connected"),
    [FERRY_CLUSTER_STATE_RECONNECTING] = N_ ("not there; tried again and again"),
  };

  adw_action_row_set_subtitle (row, _ (states[ferry_cluster_get_state (cluster)]));
}

/* How many hosts there are; and whether the server is not there, without which they are not heard. */
static void
show_button (GtkWidget *button, FerryCluster *cluster)
{
  guint n_hosts = g_list_model_get_n_items (ferry_cluster_get_hosts (cluster));
  g_autofree char *hosts = ferry_demo_format_counted (n_hosts, ngettext ("%s host", "%s hosts", n_hosts));
  FerryClusterState state = ferry_cluster_get_state (cluster);
  const char *word = state == FERRY_CLUSTER_STATE_CONNECTING     ? _ (", connecting")
                     : state == FERRY_CLUSTER_STATE_RECONNECTING ? _ (", reconnecting")
                                                                 : "";
  g_autofree char *text = g_strconcat (hosts, word, NULL);

  gtk_menu_button_set_label (GTK_MENU_BUTTON (button), text);
}

static void
state_cb (FerryCluster *cluster, GParamSpec *pspec, GtkWidget *button)
{
  show_button (button, cluster);
}

static void
hosts_cb (GListModel *hosts, guint position, guint n_removed, guint n_added, GtkWidget *button)
{
  show_button (button, g_object_get_data (G_OBJECT (button), CLUSTER_KEY));
}

static GtkWidget *
make_list (GtkBox *box)
{
  GtkWidget *list = gtk_list_box_new ();

  gtk_list_box_set_selection_mode (GTK_LIST_BOX (list), GTK_SELECTION_NONE);
  gtk_widget_add_css_class (list, "boxed-list");
  gtk_box_append (box, list);
  return list;
}

static GtkWidget *
make_lists (FerryCluster *cluster)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  AdwActionRow *server = make_row (SERVER);

  gtk_list_box_append (GTK_LIST_BOX (make_list (GTK_BOX (box))), GTK_WIDGET (server));
  gtk_list_box_bind_model (GTK_LIST_BOX (make_list (GTK_BOX (box))), ferry_cluster_get_hosts (cluster), make_host_row,
                           NULL, NULL);
  gtk_widget_set_size_request (box, 300, -1);
  g_signal_connect_object (cluster, "notify::state", G_CALLBACK (show_server), server, 0);
  show_server (cluster, NULL, server);
  return box;
}

GtkWidget *
ferry_demo_cluster_make_button (FerryRunner *runner)
{
  FerryCluster *cluster = FERRY_CLUSTER (runner);
  GtkWidget *button = gtk_menu_button_new ();
  GtkWidget *popover = gtk_popover_new ();

  gtk_popover_set_child (GTK_POPOVER (popover), make_lists (cluster));
  gtk_menu_button_set_popover (GTK_MENU_BUTTON (button), popover);
  gtk_widget_set_tooltip_text (button, _ ("Other hosts, which run tasks while all workers here are busy"));
  g_object_set_data_full (G_OBJECT (button), CLUSTER_KEY, g_object_ref (cluster), g_object_unref);
  g_signal_connect_object (cluster, "notify::state", G_CALLBACK (state_cb), button, 0);
  g_signal_connect_object (ferry_cluster_get_hosts (cluster), "items-changed", G_CALLBACK (hosts_cb), button, 0);
  show_button (button, cluster);
  return button;
}
