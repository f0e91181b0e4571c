plugins { `java-library` }

java { toolchain { languageVersion = JavaLanguageVersion.of(21) } }

tasks.withType<JavaCompile> { options.release = 17 }

repositories { mavenCentral() }

dependencies {
    compileOnly("org.eclipse.lsp4j:org.eclipse.lsp4j:0.24.0")
    testImplementation("org.eclipse.lsp4j:org.eclipse.lsp4j:0.24.0")
    testImplementation("junit:junit:4.13.2")
}

// The test against a real server needs -Dzi.command, -Dzi.root and a script: tests/e2e/test_jetbrains.py runs it.
tasks.test { filter { excludeTestsMatching("*RealServerTest") } }
