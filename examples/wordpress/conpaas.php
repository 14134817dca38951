<?php
/**
 * Plugin Name: ConPaaS
 * Description: What web machines without a shared folder cannot keep is not offered.
 */

// Without a volume (`Mounts`) an upload would be on the machine that took it, and on no other.
if (!is_link(WP_CONTENT_DIR . '/uploads')) {
    add_filter('user_has_cap', function ($may) {
        unset($may['upload_files']);
        return $may;
    });
}

// Code comes from `Archive`: nobody looks for other versions of it.
remove_action('init', 'wp_schedule_update_checks');
foreach (['core', 'plugins', 'themes'] as $part) {
    remove_action('admin_init', "_maybe_update_$part");
}
foreach (['wp_version_check', 'wp_update_plugins', 'wp_update_themes', 'wp_maybe_auto_update'] as $job) {
    remove_all_actions($job);
}
